"""The gateway's settings, from its environment.

A plain dataclass: pydantic-settings alone would cost a third of the gateway's cold start.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from llmo_core.aws import JsonService
from llmo_messaging.configured import BusSettings


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What the gateway is told. Variables that end in `_SECRET` name secrets.

    Attributes:
        model_prices: Prices for models of one's own; see PriceTable.
        upstream_read_seconds: Longest wait for the provider's first byte, and between two of its chunks.
        allow_private_providers: Whether organizations' connections may lead into private networks.
        data_key_arn: The KMS key that their credentials are sealed under.
        usage_publish: `await` publishes a call's event before its answer ends, `background` behind it.
        database: What `llmo_core.database_login.conninfo` is told.
        files_bucket: Where the contents of files are.
        restricted_rpm: How many calls in a minute an organization may make whose service is restricted.
    """

    redis_url_secret: str
    api_key_pepper_secret: str
    upstream_base_url: str
    upstream_api_key_secret: str
    upstream_read_seconds: float
    allow_private_providers: bool
    data_key_arn: str
    key_service: JsonService
    model_prices: Mapping[str, Mapping[str, Any]]
    bus: BusSettings
    usage_publish: str
    database: Mapping[str, Any]
    files_bucket: str
    restricted_rpm: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "GatewaySettings":
        """Read the environment; a KeyError names the variable that is missing."""
        return cls(
            redis_url_secret=environment["REDIS_URL_SECRET"],
            api_key_pepper_secret=environment["API_KEY_PEPPER_SECRET"],
            upstream_base_url=environment["UPSTREAM_BASE_URL"],
            upstream_api_key_secret=environment["UPSTREAM_API_KEY_SECRET"],
            upstream_read_seconds=float(environment.get("UPSTREAM_READ_SECONDS", "300")),
            allow_private_providers=environment.get("ALLOW_PRIVATE_PROVIDERS") == "true",
            data_key_arn=environment["DATA_KEY_ARN"],
            key_service=JsonService.from_environment("kms", "TrentService", environment),
            model_prices=orjson.loads(environment.get("MODEL_PRICES") or "{}"),
            bus=BusSettings.from_environment(environment),
            usage_publish=environment.get("USAGE_PUBLISH", "await"),
            database={
                "host": environment["DATABASE_HOST"],
                "port": int(environment.get("DATABASE_PORT", "5432")),
                "name": environment["DATABASE_NAME"],
                "user": environment["DATABASE_USER"],
                "password_secret": environment["DATABASE_PASSWORD_SECRET"],
                "sslmode": environment.get("DATABASE_SSLMODE", "require"),
            },
            files_bucket=environment["FILES_BUCKET"],
            restricted_rpm=int(environment.get("RESTRICTED_REQUESTS_PER_MINUTE", "20")),
        )


@dataclass(frozen=True, slots=True)
class SweeperSettings:
    """What the sweeper is told."""

    redis_url_secret: str
    bus: BusSettings

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "SweeperSettings":
        """Read the environment; a KeyError names the variable that is missing."""
        return cls(
            redis_url_secret=environment["REDIS_URL_SECRET"],
            bus=BusSettings.from_environment(environment),
        )
