"""The registry: models by the names that an organization calls them, and what they cost it."""
