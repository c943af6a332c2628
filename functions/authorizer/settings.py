"""What the authorizer is told by its environment."""

from llmo_core.settings import DatabaseSettings


class AuthorizerSettings(DatabaseSettings):
    """The database as `llmo_authorizer`, and the pepper of API keys."""

    api_key_pepper_secret: str
