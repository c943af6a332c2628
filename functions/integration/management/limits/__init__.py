"""Limits: the most calls and tokens that an organization, or a part of it, may make."""
