"""Tracked events: what an organization's own products report of what their people do."""
