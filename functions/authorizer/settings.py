"""What the authorizer is told by its environment."""

from llmo_core.settings import DatabaseSettings


class AuthorizerSettings(DatabaseSettings):
    """The database as `llmo_authorizer`, the pepper of API keys, and the issuer and audience of access tokens."""

    api_key_pepper_secret: str
    public_url: str
