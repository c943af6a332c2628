"""Invoices as they are computed: lines, taxes, what is due, and how somebody else recomputes all of it."""
