"""Opening accounts: what a new customer starts with."""
