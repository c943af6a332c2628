"""Prices: what a quantity of something costs, exactly, and in parts that an invoice can show."""
