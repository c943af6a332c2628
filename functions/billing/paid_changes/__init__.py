"""Changes of subscriptions that take effect once they are paid for."""
