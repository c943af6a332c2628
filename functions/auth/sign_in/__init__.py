"""Signing in: sessions, tokens and the keys that sign them."""
