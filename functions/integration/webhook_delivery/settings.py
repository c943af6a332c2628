"""What the worker is told by its environment."""

from llmo_core.settings import DatabaseSettings
from llmo_messaging.settings import ConsumerSettings, PublisherSettings


class WebhookSettings(DatabaseSettings, PublisherSettings, ConsumerSettings):
    """The database as `llmo_integration`, the key of KMS, the event bus, and what every consumer is told.

    Attributes:
        data_key_arn: Encrypts the data keys of signing secrets.
        allow_private_providers: Whether receivers may be in private networks and without TLS, as providers may.
    """

    data_key_arn: str
    allow_private_providers: bool = False
