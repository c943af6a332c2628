"""Dunning: what is done about invoices that could not be collected, and how well organizations are served meanwhile."""
