"""What the migration is told by its environment."""

from pydantic import Field

from llmo_core.settings import DatabaseSettings


class MigrateSettings(DatabaseSettings):
    """The database as its owner, and the secret that holds each service role's password.

    Attributes:
        role_password_secrets: JSON in the environment: role name -> name or ARN of its secret. Where the owner logs in
            with tokens of IAM they are empty, and all roles do.
    """

    role_password_secrets: dict[str, str] = Field(default_factory=dict)
