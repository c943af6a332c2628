"""Schemas of tracked events: what an organization wants the properties of an event to be."""
