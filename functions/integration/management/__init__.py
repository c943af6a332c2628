"""The management API of the integration service: providers, models and routes of organizations."""
