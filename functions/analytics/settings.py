"""What the analytics functions are told by their environment."""

from llmo_core.settings import Settings


class AnalyticsSettings(Settings):
    """Where usage is kept."""

    mongodb_uri_secret: str
    mongodb_database: str = "llmo"


class ConsumerSettings(AnalyticsSettings):
    """Where usage is kept, where messages go that cannot be read, and where the data of large events is."""

    dead_letter_queue_url: str
    claims_bucket: str
