"""Credit notes: what of an invoice is not owed after all, and what becomes of that."""
