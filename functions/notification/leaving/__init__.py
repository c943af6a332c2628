"""Leaving: what is forgotten of people whose accounts are gone, and of former members."""
