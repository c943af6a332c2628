"""What the live view is told by its environment."""

from llmo_core.settings import DatabaseSettings


class LiveSettings(DatabaseSettings):
    """The database as `llmo_integration`, and the gateway's Redis."""

    redis_url_secret: str
