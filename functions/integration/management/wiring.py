"""What every area is made of: real adapters, made once per process at the first use.

Each area's own `wiring` puts its use cases together from these.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from redis.asyncio import Redis

from integration.configuration_changes import Changes
from integration.management.configuring import Configuring, Guard, Kind
from integration.management.models import Configured
from integration.management.ports import Kept
from integration.management.references import PostgresReferences
from integration.management.settings import ManagementSettings
from integration.provider_addresses import AddressPolicy
from llmo_auth.service_composition import ServiceComposition
from llmo_core.aws import JsonService
from llmo_core.clock import SystemClock
from llmo_core.envelope_encryption import EnvelopeEncryption
from llmo_core.ids import new_id, new_id_text
from llmo_core.kms import Kms
from llmo_core.secrets import read_secret
from llmo_data import redis as redis_client

if TYPE_CHECKING:
    from integration.aws_calls import AwsCalls

parts = ServiceComposition("integration", ManagementSettings)
once, close = parts.once, parts.close
settings, database, events = parts.settings, parts.database, parts.outbox
repeated_requests = parts.repeated_requests


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
