"""Reports from single calls and from rollups equal a recomputation from the events, whatever the events are."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.asynchronous.database import AsyncDatabase

from analytics.usage.models import Dimension, Sums, UsageQuery, UsageReport
from analytics.usage.repository import MongoUsageStore
from analytics.usage.service import UsageReports
from llmo_core.ids import new_id
from llmo_data.mongo import Document
from llmo_messaging.envelope import Envelope
from tests.integration.analytics.calls import call, delivered
from tests.integration.analytics.rolled import Platform

DAY = datetime(2026, 8, 17, tzinfo=UTC)
PROJECTS = [UUID(int=1), UUID(int=2)]
bounded = settings(max_examples=25)

cents = st.decimals(min_value=0, max_value=Decimal("99.999999999999"), places=12)
calls: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "project_id": st.sampled_from([str(project) for project in PROJECTS]),
        "endpoint": st.sampled_from(["chat.completions", "embeddings"]),
        "model": st.sampled_from(["gpt-4o", "gpt-4o-mini", ""]),
        "status": st.sampled_from(["ok", "error", "aborted", "lost"]),
        "cache": st.sampled_from(["hit", "miss", "off"]),
        "input_tokens": st.integers(0, 2**40),
        "cached_input_tokens": st.integers(0, 1000),
        "output_tokens": st.integers(0, 1000),
        "reasoning_tokens": st.integers(0, 1000),
        "attempts": st.integers(0, 10),
        "spared_input_tokens": st.integers(0, 1000),
        "connection": st.sampled_from([None, "azure"]),
        "route": st.sampled_from([None, "chat"]),
        "variant": st.sampled_from([None, "A", "B"]),
        "prompt": st.sampled_from([None, "support@1", "support@2"]),
        "end_user": st.sampled_from([None, "ada"]),
        "batch": st.sampled_from([None, "batch_1"]),
        "cost_usd": cents.map(str),
        "saved_usd": cents.map(str),
        "latency_ms": st.floats(0.1, 60_000),
        "ttft_ms": st.none() | st.floats(0.1, 60_000),
        "started_at": st.integers(-3 * 86_400, 3 * 86_400).map(lambda s: (DAY + timedelta(seconds=s)).isoformat()),
    }
)
VALUE_OF: dict[Dimension, Callable[[Any], object]] = {
    Dimension.MODEL: lambda event: event.model,
    Dimension.PROJECT: lambda event: event.project_id,
    Dimension.KEY: lambda event: event.key_id,
    Dimension.DAY: lambda event: event.started_at.replace(hour=0, minute=0, second=0),
    Dimension.HOUR: lambda event: event.started_at.replace(minute=0, second=0),
    Dimension.STATUS: lambda event: event.status,
    Dimension.CACHE: lambda event: event.cache,
    Dimension.ENDPOINT: lambda event: event.endpoint,
    Dimension.PROVIDER: lambda event: event.provider,
    Dimension.CONNECTION: lambda event: event.connection,
    Dimension.ROUTE: lambda event: event.route,
    Dimension.VARIANT: lambda event: event.variant,
    Dimension.PROMPT: lambda event: event.prompt,
    Dimension.END_USER: lambda event: event.end_user,
    Dimension.BATCH: lambda event: event.batch,
}


async def stored(store: MongoUsageStore, envelopes: Sequence[Envelope]) -> None:
    if envelopes:
        await store.add([delivered(envelope) for envelope in envelopes])


def recomputed(envelopes: Sequence[Envelope], query: UsageQuery) -> dict[tuple[object, ...], list[Any]]:
    """The query's events by group, each once."""
    events = {envelope.id: delivered(envelope).event for envelope in envelopes}.values()
    groups: dict[tuple[object, ...], list[Any]] = {}
    for event in events:
        if query.start <= event.started_at < query.end and query.project_id in (None, event.project_id):
            groups.setdefault(tuple(VALUE_OF[dimension](event) for dimension in query.dimensions), []).append(event)
    return groups


def summed(events: Sequence[Any]) -> Sums:
    counts = (
        "input_tokens",
        "cached_input_tokens",
        "output_tokens",
        "reasoning_tokens",
        "attempts",
        "spared_input_tokens",
    )
    return Sums(
        requests=len(events),
        errors=sum(event.status in {"error", "lost"} for event in events),
        cache_hits=sum(event.cache == "hit" for event in events),
        **{name: sum(getattr(event, name) for event in events) for name in counts},
        cost_usd=sum((event.cost_usd for event in events), start=Decimal(0)),
        saved_usd=sum((event.saved_usd for event in events), start=Decimal(0)),
    )


def p95(values: Sequence[float]) -> Any:
    return pytest.approx(sorted(values)[ceil(0.95 * len(values)) - 1], rel=0.0101, abs=0.001) if values else None


def assert_equal(report: UsageReport, groups: dict[tuple[object, ...], list[Any]]) -> None:
    assert {usage.group for usage in report.data} == set(groups)
    everything = [event for events in groups.values() for event in events]
    for usage, events in [*((usage, groups[usage.group]) for usage in report.data), (report.totals, everything)]:
        assert usage.sums == summed(events)
        assert (usage.latency_ms and usage.latency_ms.p95) == p95([event.latency_ms for event in events])
        ttfts = [event.ttft_ms for event in events if event.ttft_ms is not None]
        assert (usage.ttft_ms and usage.ttft_ms.p95) == p95(ttfts)


@bounded
@given(data=st.data())
async def test_reports_count_every_call_once_and_exactly(store: MongoUsageStore, data: st.DataObject) -> None:
    org_id = new_id()
    envelopes = [call(org_id, **said) for said in data.draw(st.lists(calls, max_size=15))]
    again = data.draw(st.lists(st.sampled_from(envelopes), max_size=5)) if envelopes else []
    query = UsageQuery(
        org_id=org_id,
        start=DAY + timedelta(seconds=data.draw(st.integers(-4 * 86_400, 0))),
        end=DAY + timedelta(seconds=data.draw(st.integers(1, 4 * 86_400))),
        dimensions=tuple(data.draw(st.lists(st.sampled_from(Dimension), unique=True, max_size=3))),
        project_id=data.draw(st.sampled_from([None, *PROJECTS])),
    )

    await stored(store, envelopes + again)
    await stored(store, again)

    report = await UsageReports(store=store).report(query)
    assert_equal(report, recomputed(envelopes, query))


@bounded
@given(data=st.data())
async def test_reports_are_the_same_before_between_and_after_rollups(
    mongodb: AsyncDatabase[Document], data: st.DataObject
) -> None:
    platform = Platform(mongodb)
    org_id = new_id()
    envelopes = [call(org_id, **said) for said in data.draw(st.lists(calls, max_size=15))]
    again = data.draw(st.lists(st.sampled_from(envelopes), max_size=5)) if envelopes else []
    query = UsageQuery(
        org_id=org_id,
        start=DAY + timedelta(seconds=data.draw(st.integers(-4 * 86_400, 0))),
        end=DAY + timedelta(seconds=data.draw(st.integers(1, 4 * 86_400))),
        dimensions=tuple(data.draw(st.lists(st.sampled_from(Dimension), unique=True, max_size=3))),
        project_id=data.draw(st.sampled_from([None, *PROJECTS])),
    )

    for arriving in (envelopes[:5], envelopes[5:10] + again, envelopes[10:]):
        platform.clock.moment = DAY + timedelta(seconds=data.draw(st.integers(-3 * 86_400, 4 * 86_400)))
        await platform.record(arriving)
        if data.draw(st.booleans()):
            await platform.roll()

    assert_equal(await platform.reports.report(query), recomputed(envelopes, query))


@bounded
@given(mine=st.lists(calls, max_size=5), theirs=st.lists(calls, max_size=5))
async def test_an_organization_never_sees_anothers_calls(
    store: MongoUsageStore, mine: list[dict[str, Any]], theirs: list[dict[str, Any]]
) -> None:
    me, them = new_id(), new_id()
    own = [call(me, **said) for said in mine]
    await stored(store, own + [call(them, **said) for said in theirs])

    week = timedelta(days=4)
    query = UsageQuery(org_id=me, start=DAY - week, end=DAY + week, dimensions=(Dimension.PROJECT,))
    assert_equal(await UsageReports(store=store).report(query), recomputed(own, query))


async def test_a_range_includes_its_start_and_excludes_its_end(store: MongoUsageStore) -> None:
    org_id = new_id()
    await stored(store, [call(org_id, started_at=moment.isoformat()) for moment in (DAY, DAY + timedelta(days=1))])

    query = UsageQuery(org_id=org_id, start=DAY, end=DAY + timedelta(days=1), dimensions=(Dimension.DAY,))
    report = await UsageReports(store=store).report(query)

    assert [(usage.group, usage.sums.requests) for usage in report.data] == [((DAY,), 1)]


async def test_calls_are_found_by_their_tags_routes_and_end_users(store: MongoUsageStore) -> None:
    org_id = new_id()
    tagged = call(org_id, tags={"team": "search", "env": "prod.eu"}, route="chat", end_user="ada")
    await stored(store, [tagged, call(org_id, tags={"team": "ads"}), call(org_id)])

    async def found(**wanted: str) -> int:
        query = UsageQuery(org_id=org_id, start=DAY, end=DAY + timedelta(days=1), **wanted)
        return (await UsageReports(store=store).report(query)).totals.sums.requests

    by_tag = [await found(tag=tag) for tag in ("team=search", "env=prod.eu", "team=ads", "team", "team=")]
    assert by_tag == [1, 1, 1, 0, 0]
    assert await found(route="chat") == await found(end_user="ada") == 1
    assert await found(route="chat", tag="team=ads") == 0


async def test_calls_from_before_there_were_routes_count_to_no_route(store: MongoUsageStore) -> None:
    org_id = new_id()
    await stored(store, [call(org_id), call(org_id), call(org_id, route="chat", variant="B")])
    await store._events.update_one({"org_id": org_id, "route": None}, {"$unset": {"route": 1, "attempts": 1}})

    query = UsageQuery(org_id=org_id, start=DAY, end=DAY + timedelta(days=1), dimensions=(Dimension.ROUTE,))
    report = await UsageReports(store=store).report(query)

    assert {usage.group: usage.sums.requests for usage in report.data} == {(None,): 2, ("chat",): 1}
    assert {usage.group: usage.sums.attempts for usage in report.data} == {(None,): 1, ("chat",): 1}
