"""The gateway's settings, from its environment.

A plain dataclass: pydantic-settings alone would cost a third of the gateway's cold start.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What the gateway is told. Variables that end in `_SECRET` name secrets."""

    redis_url_secret: str
    api_key_pepper_secret: str
    upstream_base_url: str
    upstream_api_key_secret: str
    model_prices: Mapping[str, Mapping[str, Any]]
    event_bus_name: str
    usage_publish: str
    database_host: str
    database_port: int
    database_name: str
    database_user: str
    database_password_secret: str
    database_sslmode: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "GatewaySettings":
        """Read the environment; a KeyError names the variable that is missing."""
        return cls(
            redis_url_secret=environment["REDIS_URL_SECRET"],
            api_key_pepper_secret=environment["API_KEY_PEPPER_SECRET"],
            upstream_base_url=environment["UPSTREAM_BASE_URL"],
            upstream_api_key_secret=environment["UPSTREAM_API_KEY_SECRET"],
            model_prices=orjson.loads(environment.get("MODEL_PRICES") or "{}"),
            event_bus_name=environment["EVENT_BUS_NAME"],
            usage_publish=environment.get("USAGE_PUBLISH", "await"),
            database_host=environment["DATABASE_HOST"],
            database_port=int(environment.get("DATABASE_PORT", "5432")),
            database_name=environment["DATABASE_NAME"],
            database_user=environment["DATABASE_USER"],
            database_password_secret=environment["DATABASE_PASSWORD_SECRET"],
            database_sslmode=environment.get("DATABASE_SSLMODE", "require"),
        )
