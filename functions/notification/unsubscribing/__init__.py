"""Unsubscribing from a category with one click, without signing in (RFC 8058)."""
