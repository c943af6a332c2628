"""Delivering events to webhooks: the worker behind `integration.webhooks`."""
