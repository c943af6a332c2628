"""Sending what is due on a channel, by the first of its providers that works."""
