"""The worker with its adapters, made once per process at the first use."""

import random
from collections.abc import Mapping

from integration.aws_calls import AwsCalls
from integration.provider_addresses import AddressPolicy
from integration.webhook_delivery.arriving import Arriving
from integration.webhook_delivery.repository import PostgresArrivals, PostgresDeliveries
from integration.webhook_delivery.sending import Sending
from integration.webhook_delivery.settings import WebhookSettings
from integration.webhook_messages.calls import WebhookCalls
from integration.webhook_messages.secrets import SigningSecrets
from llmo_core.aws import JsonService
from llmo_core.clock import SystemClock
from llmo_core.composition import Composition
from llmo_core.envelope_encryption import EnvelopeEncryption
from llmo_core.ids import new_id
from llmo_core.kms import Kms
from llmo_data.inbox import Inbox
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.configured import ConfiguredBus

_SCHEMA = "integration"
_CONNECTIONS = 4  # a message needs one only before and after it is sent
parts = Composition()
once, close = parts.once, parts.close


@once
def settings() -> WebhookSettings:
    """What the worker is told by its environment."""
    return WebhookSettings.model_validate({})


@once
def _database() -> Database:
    return parts.closing(Database(settings().conninfo(), max_connections=_CONNECTIONS), Database.close)


@once
def _bus() -> ConfiguredBus:
    return parts.closing(ConfiguredBus(settings().bus()), ConfiguredBus.close)


@once
def _aws_calls() -> AwsCalls:
    return parts.closing(AwsCalls(), AwsCalls.close)


async def _post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    return await _aws_calls().post(url, body, headers)


@once
def arriving() -> Arriving:
    """What makes messages of events."""
    arrivals = PostgresArrivals(_database(), Inbox(schema=_SCHEMA, consumer="webhooks"))
    return Arriving(arrivals=arrivals, transaction=_database().transaction, clock=SystemClock(), new_id=new_id)


@once
def sending() -> Sending:
    """What sends them."""
    clock = SystemClock()
    service = JsonService.from_environment("kms", "TrentService")
    kms = Kms(service=service, key_arn=settings().data_key_arn, post=_post)
    return Sending(
        deliveries=PostgresDeliveries(_database()),
        secrets=SigningSecrets(EnvelopeEncryption(kms)),
        calls=WebhookCalls(policy=AddressPolicy(private=settings().allow_private_providers), clock=clock),
        events=Outbox(database=_database(), schema=_SCHEMA, bus=_bus, clock=clock, new_id=new_id),
        transaction=_database().transaction,
        clock=clock,
        random=random.random,
    )
