"""Entitlements: what an organization may use, and how much is left of it."""
