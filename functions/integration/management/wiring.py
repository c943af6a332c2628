"""What every area is made of: real adapters, made once per process at the first use.

Each area's own `wiring` puts its use cases together from these.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from redis.asyncio import Redis

from integration.management.changes import Changes
from integration.management.configuring import Configuring, Guard, Kind
from integration.management.models import Configured
from integration.management.ports import Kept
from integration.management.references import PostgresReferences
from integration.management.settings import ManagementSettings
from integration.provider_addresses import AddressPolicy
from llmo_auth.idempotent_route import RepeatedRequests
from llmo_core.aws import JsonService
from llmo_core.clock import SystemClock
from llmo_core.composition import Composition
from llmo_core.envelope_encryption import EnvelopeEncryption
from llmo_core.ids import new_id, new_id_text
from llmo_core.kms import Kms
from llmo_core.secrets import read_secret
from llmo_data import redis as redis_client
from llmo_data.idempotency import IdempotencyRecords
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.configured import ConfiguredBus

if TYPE_CHECKING:
    from integration.aws_calls import AwsCalls

_SCHEMA = "integration"
parts = Composition()
once, close = parts.once, parts.close


@once
def settings() -> ManagementSettings:
    """What the API is told by its environment."""
    return ManagementSettings.model_validate({})


@once
def database() -> Database:
    """The service's database."""
    return parts.closing(Database(settings().conninfo()), Database.close)


@once
def _bus() -> ConfiguredBus:
    return parts.closing(ConfiguredBus(settings().bus()), ConfiguredBus.close)


@once
def events() -> Outbox:
    """Where it is announced what happened."""
    return Outbox(database=database(), schema=_SCHEMA, bus=_bus, clock=SystemClock(), new_id=new_id)


@once
def redis() -> Redis:
    """The gateway's Redis."""
    return parts.closing(redis_client.connect(read_secret(settings().redis_url_secret)), Redis.aclose)


@once
def changes() -> Changes:
    """Changes of organizations' configurations."""
    return Changes(database=database(), redis=redis(), new_version=new_id_text)


@once
def references() -> PostgresReferences:
    """What configurations say of themselves."""
    return PostgresReferences(database())


def configuring[T: Configured](kind: Kind[T], kept: Kept[T], guard: Guard[T] | None = None) -> Configuring[T]:
    """The use cases of things of one kind."""
    return Configuring(
        kind,
        kept=kept,
        events=events(),
        change=changes().change,
        clock=SystemClock(),
        new_id=new_id,
        guard=guard,
    )


@once
def _aws_calls() -> "AwsCalls":
    from integration.aws_calls import AwsCalls  # noqa: PLC0415 - aiohttp takes a while

    return parts.closing(AwsCalls(), AwsCalls.close)


async def _post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    return await _aws_calls().post(url, body, headers)


@once
def encryption() -> EnvelopeEncryption:
    """What seals secrets, under data keys of KMS."""
    service = JsonService.from_environment("kms", "TrentService")
    return EnvelopeEncryption(Kms(service=service, key_arn=settings().data_key_arn, post=_post))


def address_policy() -> AddressPolicy:
    """Which addresses providers and receivers of webhooks may have."""
    return AddressPolicy(private=settings().allow_private_providers)


@once
def _repeated_requests() -> RepeatedRequests:
    pepper = read_secret(settings().api_key_pepper_secret).encode()
    records = IdempotencyRecords(_SCHEMA)
    return RepeatedRequests(database=database(), records=records, secret=pepper, clock=SystemClock())


async def repeated_requests() -> RepeatedRequests:
    """The use case of requests with an `Idempotency-Key`."""
    return _repeated_requests()
