"""What the auth functions are told by their environment."""

from llmo_auth.settings import ServiceSettings
from llmo_core.settings import DatabaseSettings


class RotationSettings(DatabaseSettings):
    """The database as `llmo_auth`, and the secret that holds the private halves of signing keys."""

    signing_keys_secret: str


class AuthSettings(RotationSettings, ServiceSettings):
    """What rotation is told, the gateway's Redis, the pepper of API keys, and the event bus.

    Attributes:
        public_url: Where clients reach the API, without a trailing slash: the issuer of access tokens and their
            audience.
        sign_ins_per_minute: The most attempts to sign in, and requests that mail something, from one address of the
            network.
        identity_redirect_uri: What is registered at identity providers, with `{provider}`; empty for the API's own.
        loopback_identity_providers: Whether they may be on the loopback interface.
    """

    redis_url_secret: str
    public_url: str
    sign_ins_per_minute: int
    identity_providers_secret: str
    identity_redirect_uri: str = ""
    loopback_identity_providers: bool = False

    def redirect_uri(self) -> str:
        """Where identity providers send people back to, with `{provider}` for the provider's id."""
        return self.identity_redirect_uri or f"{self.public_url}/api/v1/auth/federated/{{provider}}/callback"
