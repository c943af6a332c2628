"""The ledger: what happened to money and credit, booked twice and for good."""
