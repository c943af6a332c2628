"""What the consumer of billing's terms is told by its environment."""

from llmo_core.settings import DatabaseSettings
from llmo_messaging.settings import ConsumerSettings


class BillingTermsSettings(DatabaseSettings, ConsumerSettings):
    """The database as `llmo_integration`, the gateway's Redis, and the dead-letter queue."""

    redis_url_secret: str
