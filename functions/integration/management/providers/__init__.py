"""Providers: where models are called, and with which credentials."""
