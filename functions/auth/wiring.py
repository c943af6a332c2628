"""What every area is made of: real adapters, made once per process at the first use.

Each area's own `wiring` puts its use cases together from these.
"""

from redis.asyncio import Redis

from auth.audit.recording import AuditedEvents
from auth.audit.repository import PostgresAuditLog
from auth.settings import AuthSettings, RotationSettings
from auth.sign_in.attempts import RedisAttempts
from auth.sign_in.repository import PostgresPeople
from llmo_auth.idempotent_route import RepeatedRequests
from llmo_core.clock import SystemClock
from llmo_core.composition import Composition
from llmo_core.ids import new_id
from llmo_core.secrets import read_secret
from llmo_data import redis as redis_client
from llmo_data.idempotency import IdempotencyRecords
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.configured import ConfiguredBus

_parts = Composition()
once, close = _parts.once, _parts.close


@once
def settings() -> AuthSettings:
    """What the API is told by its environment."""
    return AuthSettings.model_validate({})


@once
def rotation_settings() -> RotationSettings:
    """What every function of the service is told; the one that rotates keys has a smaller environment than the API."""
    return RotationSettings.model_validate({})


@once
def database() -> Database:
    """The service's database."""
    return _parts.closing(Database(rotation_settings().conninfo()), Database.close)


@once
def _bus() -> ConfiguredBus:
    return _parts.closing(ConfiguredBus(settings().bus()), ConfiguredBus.close)


@once
def events() -> AuditedEvents:
    """Where it is announced, and recorded, what happened."""
    clock = SystemClock()
    outbox = Outbox(database=database(), schema="auth", bus=_bus, clock=clock, new_id=new_id)
    return AuditedEvents(events=outbox, log=PostgresAuditLog(database()), clock=clock, new_id=new_id)


def pepper() -> bytes:
    """The secret under which credentials are digested."""
    return read_secret(settings().api_key_pepper_secret).encode()


@once
def redis() -> Redis:
    """The gateway's Redis, which also counts attempts."""
    return _parts.closing(redis_client.connect(read_secret(settings().redis_url_secret)), Redis.aclose)


@once
def attempts() -> RedisAttempts:
    """Counts attempts to sign in."""
    return RedisAttempts(redis(), secret=pepper(), per_ip=settings().sign_ins_per_minute)


@once
def people() -> PostgresPeople:
    """Users and their memberships."""
    return PostgresPeople(database())


@once
def _repeated_requests() -> RepeatedRequests:
    records = IdempotencyRecords("auth")
    return RepeatedRequests(database=database(), records=records, secret=pepper(), clock=SystemClock())


async def repeated_requests() -> RepeatedRequests:
    """The use case of requests with an `Idempotency-Key`."""
    return _repeated_requests()
