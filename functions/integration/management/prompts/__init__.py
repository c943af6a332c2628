"""Prompts: what calls can be made from by name, in versions that never change."""
