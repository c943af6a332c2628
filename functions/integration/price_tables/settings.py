"""What the price refresh is told by its environment."""

from llmo_core.settings import DatabaseSettings
from llmo_messaging.settings import PublisherSettings


class PriceRefreshSettings(DatabaseSettings, PublisherSettings):
    """The database as `llmo_integration`, the gateway's Redis, the event bus.

    Attributes:
        prices_url: Where prices are published, in the shape of genai-prices; empty for no refresh.
    """

    redis_url_secret: str
    prices_url: str = ""
