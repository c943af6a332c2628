"""Registering, and changing and resetting passwords."""
