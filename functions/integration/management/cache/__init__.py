"""Purges: what the gateway's cache forgets."""
