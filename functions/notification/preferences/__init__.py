"""What people and organizations choose about notifications, and what follows from it."""
