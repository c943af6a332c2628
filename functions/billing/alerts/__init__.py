"""Alerts: what organizations want to be told of what they spend, use, and have left."""
