"""Payments: saved cards, what is charged to them, and what is given back, by Stripe."""
