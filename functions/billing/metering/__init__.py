"""Meters: what of usage is counted, and counts that can be merged."""
