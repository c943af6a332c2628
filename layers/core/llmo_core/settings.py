"""Settings: the environment as one frozen model per function, read when the function is wired and never at import."""

from collections.abc import Callable

from pydantic_settings import BaseSettings, SettingsConfigDict

from llmo_core.database_login import conninfo


class Settings(BaseSettings):
    """What every function is told by its environment. A missing variable names itself in the error."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    stage: str
    log_level: str = "INFO"


class DatabaseSettings(Settings):
    """How to reach PostgreSQL with this function's own role.

    Attributes:
        database_password_secret: Name or ARN of the secret with the role's password; empty for tokens of IAM.
    """

    database_host: str
    database_port: int = 5432
    database_name: str
    database_user: str
    database_password_secret: str
    database_sslmode: str = "require"

    def conninfo(self) -> dict[str, str | int | Callable[[], str]]:
        """Connection parameters for psycopg, the password fetched from its secret; see `database_login.conninfo`."""
        return conninfo(
            host=self.database_host,
            port=self.database_port,
            name=self.database_name,
            user=self.database_user,
            password_secret=self.database_password_secret,
            sslmode=self.database_sslmode,
        )
