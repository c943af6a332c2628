"""Which kinds of notifications there are, and which events they tell of."""
