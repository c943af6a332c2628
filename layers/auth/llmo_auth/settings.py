"""What the HTTP API of every service with a schema of its own is told by its environment."""

from llmo_core.settings import DatabaseSettings
from llmo_messaging.settings import PublisherSettings


class ServiceSettings(DatabaseSettings, PublisherSettings):
    """The database as the service's own role, the pepper of API keys, the event bus."""

    api_key_pepper_secret: str
