"""What the relay is told by its environment."""

from llmo_core.settings import DatabaseSettings
from llmo_messaging.settings import PublisherSettings


class RelaySettings(DatabaseSettings, PublisherSettings):
    """The database as `llmo_relay`, and the event bus."""
