"""Calls that nobody waits for: files, batches made of them, and the worker that makes their calls."""
