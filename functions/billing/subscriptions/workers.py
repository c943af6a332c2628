"""What is done without a caller, with its adapters: made at the first use, of less than the API is told."""

from billing.settings import EventsSettings, TurnsSettings
from billing.subscriptions.closing import Closing
from billing.subscriptions.keeping import Keeping
from billing.subscriptions.repository import PostgresArrivals, PostgresSubscriptions, PostgresTurns
from billing.subscriptions.turning import TurningService
from llmo_core.clock import SystemClock
from llmo_core.composition import Composition
from llmo_core.ids import new_id
from llmo_data.inbox import Inbox
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.claims import S3Claims
from llmo_messaging.configured import ConfiguredBus, configured_dead_letters
from llmo_messaging.dead_letters import DeadLetters

_SCHEMA = "billing"
_parts = Composition()
once, close = _parts.once, _parts.close


@once
def _settings() -> TurnsSettings:
    return TurnsSettings.model_validate({})


@once
def _consumer_settings() -> EventsSettings:
    return EventsSettings.model_validate({})


@once
def database() -> Database:
    """The database as `llmo_billing`."""
    return _parts.closing(Database(_settings().conninfo()), Database.close)


@once
def _bus() -> ConfiguredBus:
    return _parts.closing(ConfiguredBus(_settings().bus()), ConfiguredBus.close)


@once
def _keeping() -> Keeping:
    events = Outbox(database=database(), schema=_SCHEMA, bus=_bus, clock=SystemClock(), new_id=new_id)
    return Keeping(subscriptions=PostgresSubscriptions(database()), events=events)


@once
def turning() -> TurningService:
    """The use case of what dates bring."""
    turns = PostgresTurns(database(), PostgresSubscriptions(database()))
    return TurningService(turns=turns, keeping=_keeping(), clock=SystemClock())


@once
def closing() -> Closing:
    """The use case of organizations that were closed."""
    return Closing(
        arrivals=PostgresArrivals(database(), Inbox(schema=_SCHEMA, consumer="subscriptions")),
        subscriptions=PostgresSubscriptions(database()),
        keeping=_keeping(),
        transaction=database().transaction,
        clock=SystemClock(),
    )


def dead_letters() -> DeadLetters:
    """Where messages go that cannot be read."""
    return configured_dead_letters(_consumer_settings())


def claims() -> S3Claims:
    """Where the data of large events is."""
    return S3Claims(_consumer_settings().claims_bucket)
