"""What the analytics functions are told by their environment."""

from llmo_core.settings import Settings


class AnalyticsSettings(Settings):
    """Where usage is kept."""

    mongodb_uri_secret: str
    mongodb_database: str = "llmo"
