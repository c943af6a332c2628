"""Webhooks: where an organization wants to be told of its events."""
