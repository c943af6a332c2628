"""Accounts: who is billed, where, and how it is taxed."""
