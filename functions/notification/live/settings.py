"""What the live view of inboxes is told by its environment."""

from llmo_core.settings import Settings


class LiveSettings(Settings):
    """Where Redis is; the live view knows no database."""

    redis_url_secret: str
