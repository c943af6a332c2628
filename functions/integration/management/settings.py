"""What the management API is told by its environment."""

from llmo_auth.settings import ServiceSettings


class ManagementSettings(ServiceSettings):
    """The database as `llmo_integration`, the gateway's Redis, the pepper of API keys, the key of KMS, the event bus.

    Attributes:
        data_key_arn: Encrypts the data keys of credentials.
        contents_bucket: Where contents of calls are.
        allow_private_providers: Whether providers may be in private networks and without TLS.
    """

    redis_url_secret: str
    data_key_arn: str
    contents_bucket: str
    allow_private_providers: bool = False
