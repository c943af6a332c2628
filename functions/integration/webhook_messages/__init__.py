"""What is sent to webhooks, and how: the management API and the worker share it."""
