"""The catalogue: what is counted, and what it costs."""
