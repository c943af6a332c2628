"""Subscriptions: which plan an organization is billed by, since when and until when."""
