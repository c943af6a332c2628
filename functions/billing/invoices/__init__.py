"""Invoices as they are kept: drafted, finalized under a number, then paid, or not."""
