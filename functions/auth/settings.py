"""What the auth functions are told by their environment."""

from llmo_core.settings import DatabaseSettings


class AuthSettings(DatabaseSettings):
    """The database as `llmo_auth`, the gateway's Redis, and the pepper of API keys."""

    redis_url_secret: str
    api_key_pepper_secret: str
