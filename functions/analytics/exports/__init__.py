"""Exports: files of the raw events of a range, made in the background."""
