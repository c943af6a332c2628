"""The use cases of usage with their adapters."""

from billing import wiring as shared
from billing.settings import UsageSettings
from billing.usage.counted_repository import PostgresCountedUsage
from billing.usage.listing import UsageListing
from billing.usage.recording import UsageRecording
from billing.usage.reporting import UsageReporting
from billing.usage.repository import PostgresKeptEvents, PostgresMonths, PostgresUsage
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data.inbox import Inbox
from llmo_messaging.claims import Claims, S3Claims
from llmo_messaging.configured import configured_dead_letters
from llmo_messaging.dead_letters import DeadLetters


@shared.once
def _consumer_settings() -> UsageSettings:
    return UsageSettings.model_validate({})


@shared.once
def _usage() -> PostgresUsage:
    inbox = Inbox(schema="billing", consumer="usage")
    return PostgresUsage(shared.database(), inbox, operator_id=shared.operator_id())


def dead_letters() -> DeadLetters:
    """Where messages go that cannot be read."""
    return configured_dead_letters(_consumer_settings())


def claims() -> Claims:
    """Where the data of large events is."""
    return S3Claims(_consumer_settings().claims_bucket)


def usage_recording() -> UsageRecording:
    """The use case of the gateway's events."""
    return UsageRecording(usage=_usage(), clock=SystemClock())


async def usage_reporting() -> UsageReporting:
    """The use case of organizations' own events."""
    return UsageReporting(usage=_usage(), clock=SystemClock(), new_id=new_id)


async def usage_listing() -> UsageListing:
    """The use case of lists of events."""
    return UsageListing(events=PostgresKeptEvents(shared.database()))


def counted_usage() -> PostgresCountedUsage:
    """What meters have counted."""
    return PostgresCountedUsage(shared.database(), operator_id=shared.operator_id())


def months() -> PostgresMonths:
    """The months that events are kept by."""
    return PostgresMonths(shared.database())
