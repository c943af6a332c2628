"""Whatever meters there are and however calls arrive, the tables have counted what `fold` counts of them once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.metering.folding import fold
from billing.metering.meters import NUMBERS, TEXTS, Aggregation
from billing.periods import Period
from billing.usage.models import ListedEvents, ReportedEvent, ReportStatus
from billing.usage.schemas import ReportEvent
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from llmo_messaging.envelope import Envelope
from tests.integration.billing.using import MONTH, NOW, Using, as_counted, call, delivered

START = datetime(2026, 11, 29, 21, tzinfo=UTC)  # what follows is of two months
MODELS = ["gpt-5", "claude", "gemini"]
COUNTED = sorted(NUMBERS - {"cost_usd", "saved_usd"})
SEEN = ["red", "1", "1e3", "1e-07", "10000000000000000", "1e+16", "0.0", "-0.0", "true", "false"]
VALUES = {"model": MODELS, "end_user": ["ann", "bob"], "stream": ["true"], "tags.team": ["red", "blue"]}

conditions = st.sampled_from(sorted(VALUES)).flatmap(
    lambda field: st.fixed_dictionaries(
        {"field": st.just(field), "values": st.lists(st.sampled_from(VALUES[field]), min_size=1, unique=True)}
    )
)


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    aggregation = draw(st.sampled_from(Aggregation))
    fields: list[str] = []
    if aggregation is Aggregation.UNIQUE:
        fields = [draw(st.sampled_from(sorted(TEXTS)))]
    elif aggregation is not Aggregation.COUNT:
        fields = draw(
            st.one_of(st.just(["cost_usd"]), st.lists(st.sampled_from(COUNTED), min_size=1, max_size=3, unique=True))
        )
    return {"aggregation": aggregation, "fields": fields, "filters": draw(st.lists(conditions, max_size=2))}


said = st.fixed_dictionaries(
    {
        "model": st.sampled_from(MODELS),
        "end_user": st.none() | st.sampled_from(["ann", "bob", "eve"]),
        "stream": st.booleans(),
        "tags": st.dictionaries(st.just("team"), st.sampled_from(["red", "blue"])),
        "input_tokens": st.integers(0, 10**12),
        "output_tokens": st.integers(0, 10**6),
        "cost_usd": st.integers(0, 10**16).map(lambda digits: f"{digits}E-12"),
        "audio_seconds": st.floats(0, 10**4),
        "started_at": st.integers(0, 180 * 60).map(lambda seconds: (START + timedelta(seconds=seconds)).isoformat()),
    }
)


def periods() -> list[Period]:
    """All of it, and a part between quarters of an hour."""
    return [
        Period(start=START, end=START + timedelta(hours=4)),
        Period(start=START + timedelta(minutes=45), end=START + timedelta(minutes=120)),
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(definitions(), min_size=1, max_size=4), st.lists(said, max_size=30), st.integers(1, 9), st.data())
async def test_the_tables_count_what_fold_counts(
    billing_database: Database,
    wanted: list[dict[str, Any]],
    facts: list[dict[str, Any]],
    size: int,
    data: st.DataObject,
) -> None:
    using, org_id = Using(billing_database, new_id()), new_id()
    meters = [await using.make(code=f"m{number}", **definition) for number, definition in enumerate(wanted)]
    calls = [call(org_id, **each) for each in facts]
    again = data.draw(st.lists(st.sampled_from(calls), max_size=20)) if calls else []
    streams = [data.draw(st.permutations([*calls, *again])), data.draw(st.permutations(calls))]

    async def consume(stream: list[Envelope]) -> None:
        recording = using.recording()
        for start in range(0, len(stream), size):
            await recording.record([*map(delivered, stream[start : start + size])])

    await asyncio.gather(*map(consume, streams))

    for period in periods():
        events = [as_counted(each) for each in calls if datetime.fromisoformat(each.data["started_at"]) in period]
        counted = await using.counted().quantities(org_id, [meter.code for meter in meters], period)
        assert counted == {meter.code: fold(meter, events).quantity for meter in meters}


values = st.one_of(
    st.sampled_from(["red", "1", "1e3", "0.1", "", "true", "é"]),
    st.booleans(),
    st.integers(-2, 10**18),
    st.sampled_from([0.1, 0.0, -0.0, 1.5, 2.0, 1e16, 1e18, 1e-7, 1e-13, 123456789012345.0]),
)
reports = st.builds(
    lambda fields, tags, minutes: ReportEvent(
        name="thing.used", fields=fields, tags=tags, occurred_at=NOW - timedelta(minutes=minutes)
    ).reported(),
    fields=st.dictionaries(st.sampled_from(["size", "colour"]), values),
    tags=st.dictionaries(st.just("team"), st.sampled_from(["red", "blue"])),
    minutes=st.integers(0, 300),
)
OWN: list[dict[str, Any]] = [
    {"aggregation": "count", "filters": [{"field": "tags.team", "values": ["red"]}]},
    {"aggregation": "unique", "fields": ["colour"], "filters": [{"field": "colour", "values": SEEN}]},
    {"aggregation": "unique", "fields": ["size"]},
    {"aggregation": "sum", "fields": ["size"], "filters": [{"field": "colour", "values": ["red", "true", "2.0"]}]},
    {"aggregation": "max", "fields": ["size"], "filters": [{"field": "colour", "values": ["false", "1e-07"]}]},
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(reports, min_size=1, max_size=30))
async def test_whoever_counts_the_listed_events_again_counts_the_same(
    billing_database: Database, events: list[ReportedEvent]
) -> None:
    using, org_id = Using(billing_database, new_id()), new_id()
    meters = [
        await using.make(code=f"m{number}", event="thing.used", **definition) for number, definition in enumerate(OWN)
    ]
    reported = await (await using.reporting()).report(org_id, events)

    everything = ListedEvents(org_id=org_id, name=None, start=None, end=None, before=None, limit=100)
    listed, _ = await (await using.listing()).page(everything)
    assert len(listed) == sum(each.status is ReportStatus.ACCEPTED for each in reported)
    counted = await using.counted().quantities(org_id, [meter.code for meter in meters], MONTH)
    assert counted == {meter.code: fold(meter, [event.usage for event in listed]).quantity for meter in meters}
