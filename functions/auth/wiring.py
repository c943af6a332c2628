"""What every area is made of: real adapters, made once per process at the first use.

Each area's own `wiring` puts its use cases together from these.
"""

from redis.asyncio import Redis

from auth.audit.recording import AuditedEvents
from auth.audit.repository import PostgresAuditLog
from auth.settings import AuthSettings, RotationSettings
from auth.sign_in.attempts import RedisAttempts
from auth.sign_in.repository import PostgresPeople
from llmo_auth.service_composition import ServiceComposition
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_core.secrets import read_secret
from llmo_data import redis as redis_client

_parts = ServiceComposition("auth", AuthSettings, database_settings=RotationSettings)
once, close = _parts.once, _parts.close
settings, database, pepper = _parts.settings, _parts.database, _parts.pepper
repeated_requests = _parts.repeated_requests


@once
def rotation_settings() -> RotationSettings:
    """What every function of the service is told; the one that rotates keys has a smaller environment than the API."""
    return RotationSettings.model_validate({})


@once
def events() -> AuditedEvents:
    """Where it is announced, and recorded, what happened."""
    log = PostgresAuditLog(database())
    return AuditedEvents(events=_parts.outbox(), log=log, clock=SystemClock(), new_id=new_id)


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
