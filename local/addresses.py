"""From the addresses of the started servers to the template's parameters and secrets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from local.messaging_vendors import MessagingAddress
from local.payments import StripeAddress
from local.process import StartError
from local.upstream import UpstreamAddress

STAGE = "local"


@dataclass(frozen=True, slots=True)
class StoreAddresses:
    """The URLs of the stores; PostgreSQL's names the schemas' owner and a password. RabbitMQ's where it is the bus."""

    postgres: str
    redis: str
    mongodb: str
    rabbitmq: str | None = None


def template_parameters(
    stores: StoreAddresses,
    upstream: UpstreamAddress,
    stripe: StripeAddress,
    messaging: MessagingAddress,
    *,
    public_url: str,
    environment: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """The template's parameters on this laptop, whose front door is at `public_url`.

    Raises StartError when DATABASE_URL lacks something.
    """
    database = urlsplit(stores.postgres)
    if not (database.hostname and database.username and database.path.strip("/")):
        raise StartError("DATABASE_URL must look like postgresql://owner:password@host:5432/database")
    ssl_mode = parse_qs(database.query).get("sslmode", ["prefer"])[0]
    return {
        "Stage": STAGE,
        "PublicUrl": public_url,
        "DatabaseHost": database.hostname,
        "DatabasePort": str(database.port or 5432),
        "DatabaseName": unquote(database.path.strip("/")),
        "DatabaseOwner": unquote(database.username),
        "DatabaseSslMode": ssl_mode,
        "RedisUrl": stores.redis,
        "MongodbUri": stores.mongodb,
        "UpstreamBaseUrl": upstream.base_url,
        "UpstreamApiKey": upstream.api_key,
        "ModelPrices": upstream.model_prices,
        "PricesUrl": environment.get("PRICES_URL", ""),
        "SignInsPerMinute": environment.get("SIGN_INS_PER_MINUTE") or "100",
        "OperatorOrgId": environment.get("OPERATOR_ORG_ID", ""),  # else the demo organization's, once there is one
        "StripeApiKey": stripe.api_key,
        "StripePublishableKey": stripe.publishable_key,
        "StripeWebhookSecrets": stripe.webhook_secrets,
        "StripePortal": stripe.portal,
        "StripeBaseUrl": stripe.base_url,
        **messaging.parameters(),
        "DunningDaySeconds": environment.get("DUNNING_DAY_SECONDS") or "4",  # a whole dunning in half a minute
        "IdentityProviders": environment.get("IDENTITY_PROVIDERS") or "[]",
        "LoopbackIdentityProviders": "true",
        "AllowPrivateProviders": "true",
        "OtlpEndpoint": environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        "OtlpHeaders": environment.get("OTEL_EXPORTER_OTLP_HEADERS") or "unset",
        "TraceRatio": environment.get("OTEL_TRACES_SAMPLER_ARG") or "1",
        **_message_bus(stores.rabbitmq),
        "LogLevel": environment.get("LOG_LEVEL", "INFO"),
    }


def _message_bus(rabbitmq: str | None) -> dict[str, str]:
    if rabbitmq is None:
        return {"MessageBus": "eventbridge"}
    return {"MessageBus": "rabbitmq", "RabbitmqUrl": rabbitmq, "RabbitmqBroker": "laptop:b-1"}


def secret_values(stores: StoreAddresses) -> dict[str, str]:
    """The secrets that are not generated on this laptop: the owner's password is the one in the URL."""
    return {"OwnerDatabasePasswordSecret": unquote(urlsplit(stores.postgres).password or "")}
