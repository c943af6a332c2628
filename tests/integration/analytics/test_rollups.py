"""Rollups are what calls say, whoever makes them, however often, and whatever arrives or breaks off meanwhile."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.asynchronous.database import AsyncDatabase

from analytics.models import StoreUnavailable
from analytics.rollups.folding import MOST_GROUPS, Rollup, merged
from analytics.rollups.models import OTHERS, Granularity, Unit
from analytics.rollups.reading import Look
from analytics.rollups.repository import MongoRollups
from analytics.rollups.service import Rolling
from analytics.usage.models import Dimension
from llmo_core.ids import new_id
from llmo_data.mongo import Document
from tests.integration.analytics.calls import call
from tests.integration.analytics.rolled import Platform

MORNING = datetime(2026, 8, 17, 10, 15, tzinfo=UTC)
WEEK = (MORNING - timedelta(days=3), MORNING + timedelta(days=4))


async def counted(platform: Platform, org_id: UUID, dimensions: tuple[Dimension, ...] = ()) -> dict[Any, int]:
    look = Look(org_id=org_id, steps=[WEEK], dimensions=dimensions)
    return {group: tally.requests for (_, group), tally in (await platform.reading.tallies(look)).items()}


async def marked(platform: Platform, org_id: UUID) -> Sequence[tuple[Granularity, datetime]]:
    return sorted(await platform.marks.stale(org_id, *WEEK))


async def test_what_is_over_is_rolled_up_and_what_is_not_over_waits(platform: Platform) -> None:
    org_id = new_id()
    platform.clock.moment = MORNING + timedelta(minutes=30)
    await platform.record([call(org_id, started_at=(MORNING + timedelta(minutes=n)).isoformat()) for n in (0, 1, 30)])

    await platform.roll()

    assert await marked(platform, org_id) == [
        (Granularity.HOUR, MORNING.replace(minute=0)),
        (Granularity.MINUTE, MORNING + timedelta(minutes=30)),
    ]
    assert await counted(platform, org_id) == {(): 3}


async def test_days_are_read_and_not_the_calls_that_they_are_made_of(
    platform: Platform, mongodb: AsyncDatabase[Document]
) -> None:
    org_id = new_id()
    await platform.record([call(org_id), call(org_id, model="gpt-4o")])
    await platform.roll()
    await mongodb["usage_events"].delete_many({"org_id": org_id})

    assert await marked(platform, org_id) == []
    assert await counted(platform, org_id, (Dimension.MODEL,)) == {("gpt-4o",): 1, ("gpt-4o-mini",): 1}


async def test_what_arrives_late_is_counted_at_once_and_rolled_up_again(platform: Platform) -> None:
    org_id = new_id()
    await platform.record([call(org_id)])
    await platform.roll()

    await platform.record([call(org_id, started_at=(MORNING - timedelta(days=1)).isoformat()), call(org_id)])

    assert await counted(platform, org_id) == {(): 3}
    await platform.roll()
    assert await marked(platform, org_id) == []
    assert await counted(platform, org_id) == {(): 3}


class Stopping(MongoRollups):
    """Rollups that stop working after so many writes, as a function does that is killed."""

    def __init__(self, database: AsyncDatabase[Document], platform: Platform, writes: int) -> None:
        super().__init__(database, clock=platform.clock, minutes_kept=timedelta(days=3650))
        self._left = writes

    async def replace(self, rollups: Mapping[Unit, Rollup], *, fence: int, never_less: bool = False) -> None:
        for unit, rollup in rollups.items():
            if self._left == 0:
                raise StoreUnavailable
            self._left -= 1
            await super().replace({unit: rollup}, fence=fence, never_less=never_less)


@pytest.mark.parametrize("writes", range(8))
async def test_whoever_is_killed_leaves_work_and_no_wrong_number(
    platform: Platform, mongodb: AsyncDatabase[Document], writes: int
) -> None:
    org_id = new_id()
    moments = [MORNING + timedelta(minutes=n) for n in (0, 1, 70, 1500)]
    await platform.record([call(org_id, started_at=moment.isoformat()) for moment in moments])
    stopping = Stopping(mongodb, platform, writes)
    killed = Rolling(calls=platform.calls, marks=platform.marks, rollups=stopping, clock=platform.clock)

    with pytest.raises(StoreUnavailable):
        await killed.roll(until=platform.clock.now() + timedelta(hours=1))

    assert await counted(platform, org_id) == {(): 4}
    platform.clock.advance(minutes=5)  # the lease of whoever was killed ends
    await platform.roll()
    assert await marked(platform, org_id) == []
    assert await counted(platform, org_id) == {(): 4}


async def test_two_that_roll_up_at_once_come_to_what_one_does(platform: Platform) -> None:
    org_ids = [new_id() for _ in range(5)]
    for org_id in org_ids:
        await platform.record(
            [call(org_id, started_at=(MORNING + timedelta(minutes=n)).isoformat()) for n in range(20)]
        )

    await asyncio.gather(*[platform.roll() for _ in range(3)])
    await platform.roll()

    for org_id in org_ids:
        assert await marked(platform, org_id) == []
        assert await counted(platform, org_id) == {(): 20}


async def test_who_read_earlier_never_writes_over_who_read_later(platform: Platform) -> None:
    org_id = new_id()
    unit = Unit(org_id, Granularity.DAY, MORNING.replace(hour=0, minute=0))
    await platform.record([call(org_id)])
    await platform.roll()
    earlier = await platform.rollups.fence()
    await platform.record([call(org_id)])
    await platform.roll()

    await platform.rollups.replace({unit: merged({})}, fence=earlier)

    assert await counted(platform, org_id) == {(): 2}


async def test_rollups_whose_calls_have_expired_are_not_lessened(
    platform: Platform, mongodb: AsyncDatabase[Document]
) -> None:
    org_id = new_id()
    await platform.record([call(org_id), call(org_id)])
    await platform.roll()
    await mongodb["usage_events"].delete_many({"org_id": org_id})
    platform.clock.advance(days=60)

    await platform.record([call(org_id)])
    await platform.roll()

    assert await counted(platform, org_id) == {(): 2}


async def test_rollups_are_built_again_from_calls(platform: Platform, mongodb: AsyncDatabase[Document]) -> None:
    org_id = new_id()
    await platform.record([call(org_id), call(org_id, started_at=(MORNING + timedelta(hours=5)).isoformat())])
    await platform.roll()
    await mongodb["usage_rollups"].delete_many({"org_id": org_id})
    assert await counted(platform, org_id) == {}

    rolling = platform.rolling()
    assert await rolling.rebuild(start=WEEK[0], end=WEEK[1], org_id=org_id) == 2
    await platform.roll()

    assert await counted(platform, org_id) == {(): 2}


async def test_an_organization_sees_nothing_of_anothers_rollups(platform: Platform) -> None:
    mine, theirs = new_id(), new_id()
    await platform.record([call(mine), call(theirs), call(theirs)])
    await platform.roll()

    assert await counted(platform, mine) == {(): 1}
    assert await counted(platform, theirs) == {(): 2}


async def test_dollars_add_up_exactly_to_more_digits_than_a_decimal_of_the_default_context(platform: Platform) -> None:
    org_id = new_id()
    large, small = "9999999999999999999.999999999999", "0.000000000001"
    await platform.record([call(org_id, cost_usd=large), call(org_id, cost_usd=small)])
    await platform.roll()

    (tally,) = (await platform.reading.tallies(Look(org_id=org_id, steps=[WEEK]))).values()

    assert tally.cost == 10**31


@settings(max_examples=15)
@given(users=st.lists(st.sampled_from([None, "ada", "bert", "ciro", "dora"]), max_size=12), rolled=st.booleans())
async def test_unique_users_are_counted_exactly(
    mongodb: AsyncDatabase[Document], users: list[str | None], *, rolled: bool
) -> None:
    platform, org_id = Platform(mongodb), new_id()
    moments = [(MORNING + timedelta(minutes=17 * n)).isoformat() for n in range(len(users))]
    await platform.record([call(org_id, end_user=user, started_at=at) for user, at in zip(users, moments, strict=True)])
    if rolled:
        await platform.roll()

    tallies = await platform.reading.tallies(Look(org_id=org_id, steps=[WEEK], users=True))

    found = next(iter(tallies.values())).unique_users() if tallies else (0, True)
    assert found == (len(set(users) - {None}), True)


async def test_series_that_monitoring_counts_never_fall_when_small_groups_are_folded(platform: Platform) -> None:
    org_id = new_id()
    dimensions = (Dimension.MODEL, Dimension.PROVIDER, Dimension.STATUS)
    for first in range(0, MOST_GROUPS[Granularity.MINUTE] + 400, 200):
        await platform.record(
            [
                call(
                    org_id,
                    model=f"m-{number % 7}",
                    provider=f"p-{number % 2}",
                    status="ok" if number % 5 else "error",
                    route=f"r-{number}",
                )
                for number in range(first, first + 200)
            ]
        )
    before = await counted(platform, org_id, dimensions)

    await platform.roll()

    assert await counted(platform, org_id, dimensions) == before
    assert len(before) == 28
    by_route = await counted(platform, org_id, (Dimension.ROUTE,))
    assert by_route[OTHERS,] > 1
