"""Budgets: the most that an organization, or a part of it, may spend in a window, and what it has spent."""
