"""What every area is made of: real adapters, made once per process at the first use.

Each area's own `wiring` puts its use cases together from these.
"""

from billing.models import Operator
from billing.settings import BillingSettings
from llmo_auth.idempotent_route import RepeatedRequests
from llmo_core.clock import SystemClock
from llmo_core.composition import Composition
from llmo_core.ids import new_id
from llmo_core.secrets import read_secret
from llmo_data.idempotency import IdempotencyRecords
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.configured import ConfiguredBus

_SCHEMA = "billing"
parts = Composition()
once, close = parts.once, parts.close


@once
def settings() -> BillingSettings:
    """What the API is told by its environment."""
    return BillingSettings.model_validate({})


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
def operator() -> Operator:
    """Whose catalogue it is."""
    return Operator(settings().operator_org_id)


@once
def _repeated_requests() -> RepeatedRequests:
    pepper = read_secret(settings().api_key_pepper_secret).encode()
    records = IdempotencyRecords(_SCHEMA)
    return RepeatedRequests(database=database(), records=records, secret=pepper, clock=SystemClock())


async def repeated_requests() -> RepeatedRequests:
    """The use case of requests with an `Idempotency-Key`."""
    return _repeated_requests()
