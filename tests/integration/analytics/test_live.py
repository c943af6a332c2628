"""The last minute, and the month for monitoring, are what the calls say."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pymongo.asynchronous.database import AsyncDatabase

from analytics.live.exposition import Exposition
from analytics.live.frames import frame
from analytics.live.models import Beat, Counters, Ended, Failed, Message, TooManyWatchers
from analytics.live.repository import MongoWatchers
from analytics.live.service import LONGEST, MOST_WATCHERS, LastMinute, Watching, most_watchers
from analytics.models import StoreUnavailable
from llmo_core.ids import new_id, new_id_text
from llmo_data.mongo import Document
from tests.integration.analytics.calls import call
from tests.integration.analytics.rolled import Platform


@pytest.fixture
def watching(platform: Platform, mongodb: AsyncDatabase[Document]) -> Watching:
    return made(platform, mongodb)


def made(platform: Platform, mongodb: AsyncDatabase[Document], last_minute: LastMinute | None = None) -> Watching:
    async def pause(seconds: float) -> None:
        platform.clock.advance(seconds=seconds)

    return Watching(
        last_minute=last_minute or LastMinute(answers=platform.answers, clock=platform.clock),
        watchers=MongoWatchers(mongodb),
        clock=platform.clock,
        most=MOST_WATCHERS,
        pause=pause,
        new_watcher=new_id_text,
    )


async def some(watching: Watching, org_id: UUID, number: int) -> Sequence[Message]:
    messages = watching.messages(org_id)
    return [await anext(messages) for _ in range(number)]


def at(platform: Platform, **before: float) -> str:
    return (platform.clock.moment - timedelta(**before)).isoformat()


async def test_the_last_minute_is_counted_and_nothing_before_it(platform: Platform) -> None:
    org_id = new_id()
    await platform.record(
        [
            call(org_id, started_at=at(platform, seconds=61), cost_usd="5"),
            call(org_id, started_at=at(platform, seconds=59), cost_usd="1"),
            call(org_id, started_at=at(platform, seconds=1), model="b", cost_usd="2"),
            call(new_id(), started_at=at(platform, seconds=1)),
        ]
    )

    counters = await LastMinute(answers=platform.answers, clock=platform.clock).counters(org_id)

    assert counters.answer.totals[0] == 2
    assert counters.answer.totals[5] == Decimal(3)
    assert [row.group for row in counters.answer.rows] == [("b",), ("gpt-4o-mini",)]


async def test_watchers_are_told_when_something_changes_and_otherwise_that_they_are_remembered(
    platform: Platform, watching: Watching
) -> None:
    org_id = new_id()
    await platform.record([call(org_id, started_at=at(platform, seconds=31))])

    first, beat, changed = await some(watching, org_id, 3)

    assert isinstance(first, Counters)
    assert isinstance(beat, Beat)
    assert isinstance(changed, Counters)  # the call is older than a minute now
    assert (first.answer.totals[0], changed.answer.totals[0]) == (1, 0)


async def test_a_stream_ends_by_itself(platform: Platform, watching: Watching) -> None:
    begun = platform.clock.moment

    messages = [message async for message in watching.messages(new_id())]

    assert isinstance(messages[-1], Ended)
    assert platform.clock.moment - begun == LONGEST


class Broken(LastMinute):
    """The store went away."""

    async def counters(self, org_id: UUID) -> Counters:  # noqa: ARG002 - the store is away for everybody
        raise StoreUnavailable


async def test_a_stream_says_why_it_breaks_off(platform: Platform, mongodb: AsyncDatabase[Document]) -> None:
    broken = made(platform, mongodb, Broken(answers=platform.answers, clock=platform.clock))

    (message,) = [message async for message in broken.messages(new_id())]

    assert message == Failed(code="store_unavailable", detail=StoreUnavailable().detail)
    assert frame(message).startswith(b"retry: 5000\nevent: error\n")


async def test_so_many_of_an_organization_watch_and_no_more_until_one_leaves(watching: Watching) -> None:
    org_id = new_id()
    watchers = [await watching.begin(org_id) for _ in range(MOST_WATCHERS)]

    with pytest.raises(TooManyWatchers):
        await watching.begin(org_id)
    await watching.begin(new_id())
    await watching.leave(watchers[0])
    await watching.begin(org_id)


@pytest.mark.parametrize(("executions", "most"), [(0, 20), (50, 10), (1000, 20), (5, 1), (1, 1)])
def test_no_organization_takes_more_than_a_fifth_of_the_executions(executions: int, most: int) -> None:
    assert most_watchers(executions) == most


async def test_watchers_that_nobody_ended_make_room_by_themselves(platform: Platform, watching: Watching) -> None:
    org_id = new_id()
    for _ in range(MOST_WATCHERS):
        await watching.begin(org_id)

    platform.clock.advance(minutes=5, seconds=1)

    await watching.begin(org_id)


async def test_counters_are_events_that_dashboards_read(platform: Platform, watching: Watching) -> None:
    org_id = new_id()
    await platform.record([call(org_id, started_at=at(platform, seconds=1), cost_usd="0.50")])

    (counters,) = await some(watching, org_id, 1)

    framed = frame(counters)
    assert framed.startswith(b"event: counters\ndata: {")
    assert framed.endswith(b"}\n\n")
    assert b'"cost_usd":"0.5"' in framed


async def exposed(platform: Platform, org_id: UUID) -> dict[str, dict[tuple[str, ...], float]]:
    text = await Exposition(reading=platform.reading, clock=platform.clock).text(org_id)
    samples: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return samples


async def test_monitoring_reads_the_month_by_model(platform: Platform) -> None:
    org_id = new_id()
    await platform.record(
        [
            call(org_id, latency_ms=90.0, cost_usd="0.25"),
            call(org_id, latency_ms=700.0, cost_usd="0.25", cache="hit", status="error"),
            call(org_id, model='odd"\n\\name', latency_ms=2000.0),
            call(org_id, started_at="2026-07-31T23:59:59Z"),
            call(new_id()),
        ]
    )

    samples = await exposed(platform, org_id)

    assert samples["llmo_requests_total"] == {
        ("gpt-4o-mini", "openai", "ok"): 1,
        ("gpt-4o-mini", "openai", "error"): 1,
        ('odd"\n\\name', "openai", "ok"): 1,
    }
    mini = ("gpt-4o-mini", "openai")
    assert samples["llmo_cost_usd_total"][mini] == 0.5
    assert samples["llmo_cache_hits_total"][mini] == 1
    assert samples["llmo_tokens_total"]["input", *mini] == 84
    buckets = samples["llmo_request_duration_seconds_bucket"]
    assert [buckets[bound, *mini] for bound in ("0.1", "0.5", "1.0", "+Inf")] == [1, 1, 2, 2]
    assert samples["llmo_request_duration_seconds_sum"][mini] == pytest.approx(0.79, rel=0.01)


async def test_monitoring_reads_the_same_from_rollups(platform: Platform) -> None:
    org_id = new_id()
    await platform.record([call(org_id, latency_ms=90.0), call(org_id, latency_ms=1500.0)])
    before = await exposed(platform, org_id)

    await platform.roll()

    assert await exposed(platform, org_id) == before
