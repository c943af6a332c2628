"""What keeping contents is told by its environment."""

from llmo_core.settings import DatabaseSettings
from llmo_messaging.settings import ConsumerSettings


class ContentLogSettings(DatabaseSettings, ConsumerSettings):
    """The database as `llmo_integration`, the dead-letter queue, and the bucket of contents."""

    contents_bucket: str
