"""Notification: what people learn of what happens, on the channels that they choose, once."""
