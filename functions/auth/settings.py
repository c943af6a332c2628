"""What the auth functions are told by their environment."""

from llmo_core.settings import DatabaseSettings
from llmo_messaging.settings import PublisherSettings


class RotationSettings(DatabaseSettings):
    """The database as `llmo_auth`, and the secret that holds the private halves of signing keys."""

    signing_keys_secret: str


class AuthSettings(RotationSettings, PublisherSettings):
    """What rotation is told, the gateway's Redis, the pepper of API keys, and the event bus.

    Attributes:
        public_url: Where clients reach the API, without a trailing slash: the issuer of access tokens and their
            audience.
        sign_ins_per_minute: The most attempts to sign in, and requests that mail something, from one address of the
            network.
    """

    redis_url_secret: str
    api_key_pepper_secret: str
    public_url: str
    sign_ins_per_minute: int
