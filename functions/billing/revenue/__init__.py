"""What came of all customers together, month by month, for the operator."""
