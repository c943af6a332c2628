"""Prepaid credit: wallets, the grants that fill them, and top-ups."""
