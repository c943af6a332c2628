"""Flows: which state machines billing starts, and what it tells those that wait."""
