"""What the analytics functions are told by their environment."""

from llmo_core.settings import Settings
from llmo_messaging.settings import ConsumerSettings, PublisherSettings


class AnalyticsSettings(Settings):
    """Where usage is kept."""

    mongodb_uri_secret: str
    mongodb_database: str = "llmo"


class UsageConsumerSettings(AnalyticsSettings, ConsumerSettings):
    """Where usage is kept, and what every consumer is told."""


class FilesBucketSettings(AnalyticsSettings):
    """Where exports and reports are kept, too."""

    analytics_files_bucket: str


class ApiSettings(FilesBucketSettings, PublisherSettings):
    """What the API is told."""


class FilesSettings(FilesBucketSettings, PublisherSettings, ConsumerSettings):
    """What the maker of files is told."""
