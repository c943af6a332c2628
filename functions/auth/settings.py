"""What the auth functions are told by their environment."""

from llmo_core.settings import DatabaseSettings
from llmo_messaging.settings import PublisherSettings


class AuthSettings(DatabaseSettings, PublisherSettings):
    """The database as `llmo_auth`, the gateway's Redis, the pepper of API keys, and the event bus."""

    redis_url_secret: str
    api_key_pepper_secret: str
