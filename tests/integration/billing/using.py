"""What is used in tests: LLM calls as the gateway reports them, and the use cases that count them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.catalogue.models import KeptMeter
from billing.catalogue.repository import PostgresMeters
from billing.metering.folding import UsageEvent
from billing.metering.meters import LLM_CALL, Meter
from billing.periods import Period
from billing.usage import wiring
from billing.usage.counted_repository import PostgresCountedUsage
from billing.usage.listing import UsageListing
from billing.usage.models import UsageRecorded
from billing.usage.recording import UsageRecording
from billing.usage.reporting import UsageReporting
from billing.usage.repository import PostgresKeptEvents, PostgresUsage
from llmo_core.ids import new_id
from llmo_data.inbox import Inbox
from llmo_data.postgres import Database
from llmo_messaging.consumer import Delivery
from llmo_messaging.envelope import Envelope
from tests.clocks import MovableClock
from tests.integration.statements import run

NOW = datetime(2026, 11, 27, 12, 7, 30, tzinfo=UTC)
MONTH = Period(start=datetime(2026, 11, 1, tzinfo=UTC), end=datetime(2026, 12, 1, tzinfo=UTC))


def call(org_id: UUID, **data: Any) -> Envelope:
    """An LLM call's event; `data` replaces what it says."""
    said = {
        "request_id": f"req_{new_id().hex}",
        "org_id": str(org_id),
        "project_id": str(org_id),
        "key_id": str(org_id),
        "endpoint": "chat.completions",
        "requested_model": "gpt-5",
        "model": "gpt-5",
        "provider": "openai",
        "status": "ok",
        "http_status": 200,
        "stream": False,
        "cache": "miss",
        "input_tokens": 42,
        "cached_input_tokens": 0,
        "output_tokens": 22,
        "reasoning_tokens": 0,
        "estimated": False,
        "cost_usd": "0.0000195",
        "saved_usd": "0",
        "latency_ms": 812.4,
        "started_at": NOW.isoformat(),
        **data,
    }
    return Envelope(
        id=new_id(), source="llmo.integration", type=UsageRecorded.event_type, time=NOW, orgid=org_id, data=said
    )


def delivered(envelope: Envelope) -> Delivery[UsageRecorded]:
    """The event as the consumer hands it on."""
    return Delivery(envelope, UsageRecorded.model_validate(envelope.data))


def as_counted(envelope: Envelope) -> UsageEvent:
    """The event as meters see it."""
    return UsageEvent(LLM_CALL, delivered(envelope).event.counted())


class Using:
    """The use cases of usage, of the meters that an operator makes."""

    def __init__(self, database: Database, operator_id: UUID | None) -> None:
        self.database = database
        self.operator_id = operator_id
        self.clock = MovableClock(NOW)

    def usage(self) -> PostgresUsage:
        """As a new process has it."""
        return PostgresUsage(self.database, Inbox(schema="billing", consumer="usage"), operator_id=self.operator_id)

    def recording(self) -> UsageRecording:
        """Of a new process."""
        return UsageRecording(usage=self.usage(), clock=self.clock)

    async def reporting(self) -> UsageReporting:
        return UsageReporting(usage=self.usage(), clock=self.clock, new_id=new_id)

    async def listing(self) -> UsageListing:
        return UsageListing(events=PostgresKeptEvents(self.database))

    def overrides(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        """What stands in for the wiring."""
        return {wiring.usage_reporting: self.reporting, wiring.usage_listing: self.listing}

    async def record(self, *envelopes: Envelope) -> Sequence[UUID]:
        """Record calls; the ids of those that could not be."""
        failed = await self.recording().record([delivered(envelope) for envelope in envelopes])
        return [each.envelope.id for each in failed]

    async def make(self, **definition: Any) -> Meter:
        """Make a meter of the operator's, of calls unless it says otherwise."""
        assert self.operator_id is not None
        meter = Meter.model_validate({"code": "calls", "name": "It", "aggregation": "count", **definition})
        kept = KeptMeter(id=new_id(), org_id=self.operator_id, definition=meter, created_by=new_id(), created_at=NOW)
        await PostgresMeters(self.database).add(kept)
        return meter

    def counted(self) -> PostgresCountedUsage:
        """What meters have counted."""
        return PostgresCountedUsage(self.database, operator_id=self.operator_id)

    async def quantity(self, org_id: UUID, code: str = "calls", period: Period = MONTH) -> Decimal:
        """What one meter has counted."""
        return await self.counted().quantity(org_id, code, period)

    async def kept(self, org_id: UUID) -> list[dict[str, Any]]:
        """An organization's events as they stand in the database."""
        async with self.database.transaction(org_id) as connection:
            return await run(connection, "SELECT * FROM billing.{} ORDER BY occurred_at, event_id", "usage_events")
