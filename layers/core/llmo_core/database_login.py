"""How a role logs in to PostgreSQL: with the password in its secret, or with a token of IAM.

A token is a presigned request that is never sent. It lasts 15 minutes, and only for making a connection, so each new
connection gets one of its own. RDS takes it as the password of a role that is granted `rds_iam`, over TLS only.
Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html
"""

import os
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Final

from llmo_core.aws import Credentials, presigned
from llmo_core.clock import SystemClock
from llmo_core.secrets import read_secret

type ConnInfo = Mapping[str, str | int | Callable[[], str]]

_TOKEN_SECONDS: Final = 900


def conninfo(
    *,
    host: str,
    port: int,
    name: str,
    user: str,
    password_secret: str,
    sslmode: str,
    read: Callable[[str], str] = read_secret,
) -> dict[str, str | int | Callable[[], str]]:
    """Connection parameters for psycopg; the password is a callable where each connection needs another.

    Args:
        host: The server.
        port: Its port.
        name: The database.
        user: The role.
        password_secret: Name or ARN of the secret with its password, which is read now; empty for tokens of IAM.
        sslmode: libpq's. `verify-full` verifies against the certificate authorities of the system.
        read: Reads a secret.
    """
    authorities = {"sslrootcert": _authorities()} if sslmode == "verify-full" else {}
    return {
        "host": host,
        "port": port,
        "dbname": name,
        "user": user,
        "password": read(password_secret) if password_secret else partial(_token_of_now, host, port, user),
        "sslmode": sslmode,
        **authorities,
    }


def resolved(parameters: ConnInfo) -> dict[str, str | int]:
    """The parameters for one new connection."""
    return {name: value() if callable(value) else value for name, value in parameters.items()}


def iam_token(host: str, port: int, user: str, *, region: str, credentials: Credentials, now: datetime) -> str:
    """What RDS takes as the role's password until 15 minutes after `now`, from whoever may `rds-db:connect` as it."""
    netloc = f"{host}:{port}"
    query = presigned(
        netloc,
        {"Action": "connect", "DBUser": user},
        service="rds-db",
        region=region,
        seconds=_TOKEN_SECONDS,
        credentials=credentials,
        now=now,
    )
    return f"{netloc}/?{query}"


def _token_of_now(host: str, port: int, user: str) -> str:
    credentials, now = Credentials.from_environment(), SystemClock().now()
    return iam_token(host, port, user, region=os.environ["AWS_REGION"], credentials=credentials, now=now)


def _authorities() -> str:
    """The system's file of certificate authorities, which libpq is not built to find by itself."""
    file = ssl.get_default_verify_paths().cafile
    if file is None:
        raise FileNotFoundError("There is no file of certificate authorities to verify the database against.")
    return file
