"""Policies: what may be done to make calls cheaper, for each project and for all others."""
