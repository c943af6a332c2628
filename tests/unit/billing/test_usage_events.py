"""What is read of the gateway's events, and what becomes of calls that cannot be recorded."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from billing.metering import meters as definitions
from billing.metering.meters import Aggregation, Meter
from billing.usage.counting import SlotCount, counted
from billing.usage.models import KeptEvent, MeterInUse, UsageRecorded
from billing.usage.recording import Call, UsageRecording
from integration.gateway import events as gateway
from llmo_core.errors import Unavailable
from llmo_core.ids import new_id
from llmo_messaging.consumer import Delivery
from llmo_messaging.envelope import Envelope

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def said(**data: Any) -> dict[str, Any]:
    """What an old gateway says of a call: it knows no fields that have a default."""
    return {
        "org_id": str(UUID(int=1)),
        "project_id": str(UUID(int=2)),
        "key_id": str(UUID(int=3)),
        "endpoint": "chat.completions",
        "requested_model": "gpt-5",
        "model": "gpt-5",
        "provider": "openai",
        "status": "ok",
        "stream": False,
        "cache": "miss",
        "input_tokens": 42,
        "cached_input_tokens": 0,
        "output_tokens": 22,
        "reasoning_tokens": 0,
        "estimated": False,
        "cost_usd": "0.0000195",
        "saved_usd": "0",
        "started_at": "2026-11-27T12:00:00Z",
        **data,
    }


def test_every_number_that_meters_can_count_is_there_also_of_an_old_gateways_call() -> None:
    fields = UsageRecorded.model_validate(said()).counted()
    assert fields.keys() >= definitions.NUMBERS
    assert fields.keys() <= definitions.NUMBERS | definitions.TEXTS | {"tags"}


def test_every_text_that_meters_can_tell_apart_is_there_when_the_gateway_says_it() -> None:
    everything = dict.fromkeys(definitions.TEXTS - {"project_id", "key_id", "stream", "estimated"}, "x")
    fields = UsageRecorded.model_validate(said(**everything, tags={"team": "a"})).counted()
    assert fields.keys() == definitions.NUMBERS | definitions.TEXTS | {"tags"}


def test_the_gateway_says_everything_that_is_read() -> None:
    assert gateway.UsageRecorded.model_fields.keys() >= UsageRecorded.model_fields.keys()
    assert UsageRecorded.event_type == gateway.UsageRecorded.event_type


@pytest.mark.parametrize(
    "data",
    [
        {"input_tokens": -1},
        {"input_tokens": 10**18 + 1},
        {"cost_usd": "-0.1"},
        {"cost_usd": "NaN"},
        {"cost_usd": 0.1},
        {"cost_usd": "0.0000000000001"},
        {"cost_usd": "0.00000000000000000000000000000001"},
        {"audio_seconds": float("nan")},
        {"audio_seconds": float("inf")},
        {"started_at": 1764244800},
        {"started_at": "2026-11-27T12:00:00"},
        {"started_at": "9999-12-31T00:00:00Z"},
        {"org_id": None},
    ],
)
def test_what_no_meter_could_count_is_no_call(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        UsageRecorded.model_validate(said(**data))


def test_a_meter_of_other_events_counts_nothing_of_calls() -> None:
    own = Meter(code="it", name="It", event="page.rendered", aggregation=Aggregation.COUNT)
    event = KeptEvent.of_call(new_id(), UsageRecorded.model_validate(said()), received_at=NOW)
    assert counted([MeterInUse(id=new_id(), definition=own)], [event]) == []


class Broken(Exception):
    """What nobody thought of."""


@dataclass
class FakeUsage:
    """Keeps calls in memory, but not those of these models.

    Attributes:
        down: Whether the database does not answer at all.
    """

    poison: frozenset[str] = frozenset()
    down: bool = False
    kept: list[UUID] = field(default_factory=list)
    attempts: int = 0

    @asynccontextmanager
    async def writing(self, org_id: UUID) -> AsyncIterator["FakeWriter"]:
        before = list(self.kept)
        try:
            yield FakeWriter(self, org_id)
        except BaseException:
            self.kept = before
            raise

    def now(self) -> datetime:
        return NOW


@dataclass
class FakeWriter:
    usage: FakeUsage
    org_id: UUID

    async def new(self, events: Sequence[Envelope], *, now: datetime) -> Collection[UUID]:
        assert all(event.orgid == self.org_id for event in events)
        assert now == NOW
        return [event.id for event in events if event.id not in self.usage.kept]

    async def unreported(self, ids: Collection[str], *, expires_at: datetime) -> Collection[str]:
        raise NotImplementedError

    async def meters(self, names: Collection[str]) -> Sequence[MeterInUse]:
        assert set(names) == {"llm.call"}
        return []

    async def add(self, events: Sequence[KeptEvent], counts: Sequence[SlotCount]) -> None:
        self.usage.attempts += 1
        assert {event.org_id for event in events} == {self.org_id}
        assert not counts  # there are no meters
        if self.usage.down:
            raise Unavailable
        for event in events:
            if event.fields["model"] in self.usage.poison:
                raise Broken
            self.usage.kept.append(event.event_id)


def recording(usage: FakeUsage) -> UsageRecording:
    return UsageRecording(usage=usage, clock=usage)


def calls(*models: str, org: int = 1) -> list[Call]:
    org_id = UUID(int=org)
    events = [UsageRecorded.model_validate(said(model=model, org_id=str(org_id))) for model in models]
    return [Delivery(Envelope.of(event, event_id=new_id(), org_id=org_id, time=NOW), event) for event in events]


async def test_calls_that_cannot_be_recorded_fail_alone() -> None:
    usage = FakeUsage(poison=frozenset({"a", "b"}))
    good, bad, other = calls(*["x"] * 97), calls("a", "b"), calls("x", "a", org=9)
    batch = [*good[:50], bad[0], *good[50:], bad[1], *other]

    failed = await recording(usage).record(batch)

    assert failed == [*bad, other[1]]
    assert usage.kept == [call.envelope.id for call in [*good, other[0]]]
    assert usage.attempts < 40


async def test_when_the_database_does_not_answer_nobody_tries_the_calls_one_by_one() -> None:
    usage = FakeUsage(down=True)
    with pytest.raises(Unavailable):
        await recording(usage).record(calls(*["x"] * 8))
    assert usage.attempts == 1


async def test_no_calls_are_none() -> None:
    assert await recording(FakeUsage()).record([]) == []
