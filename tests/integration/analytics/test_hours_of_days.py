"""Days of a time zone are read from few documents: days have their hours. The numbers are those of the hours."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.asynchronous.database import AsyncDatabase

from analytics.deadlines import Deadline
from analytics.querying.models import Answer, Interval, Metric, Question
from analytics.rollups.forgetting import Forgetting
from analytics.rollups.models import FINEST_SETS, HOURLY, SINGLE_SETS, Granularity, GroupingSet
from analytics.rollups.repository import MongoRollups
from analytics.rollups.service import Rolling
from analytics.rollups.tallies import kept_hashes, user_hash
from analytics.usage.models import Dimension, UsageRecorded
from llmo_core.ids import new_id
from llmo_data.mongo import Document
from llmo_messaging.envelope import Envelope
from tests.integration.analytics.calls import call, delivered
from tests.integration.analytics.rolled import Platform
from tests.integration.analytics.test_numbers import DAY, calls
from tests.integration.analytics.test_queries import EXACT, expected, values_of

ROLLUPS = "usage_rollups"
METRICS = (*EXACT, Metric.UNIQUE_USERS, Metric.LATENCY_P95)
ROLLED_METRICS = (*EXACT, Metric.LATENCY_P95)  # unique users of a part are counted from calls


def in_berlin(org_id: UUID, **said: Any) -> Question:
    start = DAY - timedelta(days=3, hours=2)  # midnight in Berlin, in summer
    counted = ROLLED_METRICS if said.get("dimensions") else METRICS
    asked = {"start": start, "end": start + timedelta(days=6), "metrics": counted, "interval": Interval.DAY}
    return Question.model_validate({"org_id": org_id, "time_zone": "Europe/Berlin", **asked, **said})


async def without_hours(mongodb: AsyncDatabase[Document], org_id: UUID) -> None:
    """Whatever answers now has days only."""
    await mongodb["usage_events"].delete_many({"org_id": org_id})
    await mongodb[ROLLUPS].delete_many({"org_id": org_id, "granularity": {"$in": ["minute", "hour"]}})


async def assert_answered(platform: Platform, question: Question, envelopes: Sequence[Envelope]) -> None:
    def counted(those: Sequence[UsageRecorded]) -> tuple[Any, ...]:
        said = zip(METRICS, values_of(those), strict=True)
        return tuple(value for metric, value in said if metric in question.metrics)

    answer = await platform.answers.ask(question)
    groups = expected([delivered(each).event for each in envelopes], question)
    assert {(row.time, row.group): row.values for row in answer.rows} == {
        place: counted(those) for place, those in groups.items()
    }


async def requests(platform: Platform, question: Question) -> dict[datetime | None, Any]:
    answer: Answer = await platform.answers.ask(question)
    return {row.time: row.values[0] for row in answer.rows}


@settings(max_examples=15)
@given(
    said=st.lists(calls, max_size=12),
    late=st.lists(calls, max_size=3),
    dimension=st.sampled_from([None, *[each.dimensions[0] for each in SINGLE_SETS]]),
    interval=st.sampled_from([Interval.DAY, Interval.HOUR]),
)
async def test_days_of_a_zone_equal_a_recomputation_before_between_and_after(
    mongodb: AsyncDatabase[Document],
    said: list[dict[str, Any]],
    late: list[dict[str, Any]],
    dimension: Dimension | None,
    interval: Interval,
) -> None:
    platform, org_id = Platform(mongodb), new_id()
    question = in_berlin(org_id, interval=interval, dimensions=(dimension,) if dimension else ())
    envelopes = [call(org_id, **each) for each in said]
    platform.clock.moment = DAY + timedelta(days=5)
    await platform.record(envelopes)
    await assert_answered(platform, question, envelopes)

    await platform.roll()
    await assert_answered(platform, question, envelopes)

    envelopes += (arriving := [call(org_id, **each) for each in late])
    await platform.record(arriving)
    await assert_answered(platform, question, envelopes)

    await platform.roll()
    await platform.roll()
    await assert_answered(platform, question, envelopes)


@pytest.fixture
async def rolled(platform: Platform) -> UUID:
    """An organization with a call every two hours of two days, by two people."""
    org_id = new_id()
    moments = [DAY + timedelta(hours=2 * number) for number in range(24)]
    await platform.record(
        [
            call(org_id, started_at=at.isoformat(), end_user="ada" if index % 2 else "bert")
            for index, at in enumerate(moments)
        ]
    )
    platform.clock.moment = DAY + timedelta(days=5)
    await platform.roll()
    return org_id


@pytest.mark.parametrize("dimensions", [(), (Dimension.MODEL,), (Dimension.BATCH,)])
async def test_days_of_a_zone_need_no_hours(
    platform: Platform, mongodb: AsyncDatabase[Document], rolled: UUID, dimensions: tuple[Dimension, ...]
) -> None:
    question = in_berlin(rolled, dimensions=dimensions)
    before = await platform.answers.ask(question)
    await without_hours(mongodb, rolled)

    after = await platform.answers.ask(question)

    assert [row.values[0] for row in before.rows] == [11, 12, 1]
    assert after == before


async def test_days_that_were_kept_without_their_hours_are_read_from_these(
    platform: Platform, mongodb: AsyncDatabase[Document], rolled: UUID
) -> None:
    question = in_berlin(rolled, dimensions=(Dimension.MODEL,))
    before = await platform.answers.ask(question)
    await mongodb[ROLLUPS].delete_many({"org_id": rolled, "sheet": {"$in": ["hours", "hours_singles"]}})

    assert await platform.answers.ask(question) == before


async def test_hours_that_have_no_room_in_their_day_are_left_out_of_it(
    platform: Platform, mongodb: AsyncDatabase[Document], rolled: UUID
) -> None:
    question = in_berlin(rolled)
    before = await platform.answers.ask(question)
    small = MongoRollups(mongodb, clock=platform.clock, minutes_kept=timedelta(days=3650), largest_document=400)
    rolling = Rolling(calls=platform.calls, marks=platform.marks, rollups=small, clock=platform.clock)
    await rolling.rebuild(start=DAY, end=DAY + timedelta(days=2), org_id=rolled)
    await rolling.roll(until=platform.clock.now() + timedelta(hours=1))

    parts = [part async for part in small.parts(rolled, Granularity.DAY, GroupingSet.HOURS, [DAY])]
    assert parts == []
    assert await platform.answers.ask(question) == before


async def test_a_call_that_arrives_late_is_in_its_day_at_once(platform: Platform, rolled: UUID) -> None:
    question = in_berlin(rolled)
    await platform.record([call(rolled, started_at=(DAY + timedelta(hours=5)).isoformat())])

    at_once = await requests(platform, question)
    await platform.roll()

    assert list(at_once.values()) == [12, 12, 1]
    assert await requests(platform, question) == at_once


async def test_whoever_read_earlier_does_not_bring_hours_back(
    platform: Platform, mongodb: AsyncDatabase[Document], rolled: UUID
) -> None:
    fence = await platform.rollups.fence()
    early = await mongodb[ROLLUPS].find_one({"org_id": rolled, "sheet": "hours", "start": DAY})
    assert early is not None
    await platform.record([call(rolled, started_at=(DAY + timedelta(hours=5)).isoformat())])
    await platform.roll()

    await mongodb[ROLLUPS].insert_one({**early, "_id": f"{early['_id']}/again", "fence": fence})

    assert list((await requests(platform, in_berlin(rolled))).values()) == [12, 12, 1]


async def test_hours_of_days_count_nobody_who_was_erased(
    platform: Platform, mongodb: AsyncDatabase[Document], rolled: UUID
) -> None:
    question = in_berlin(rolled, metrics=(Metric.UNIQUE_USERS,))
    await without_hours(mongodb, rolled)
    assert list((await requests(platform, question)).values()) == [2, 2, 1]

    await Forgetting(platform.rollups).forget(rolled, "ada", deadline=Deadline())

    assert list((await requests(platform, question)).values()) == [1, 1, 0]
    assert list((await requests(platform, in_berlin(rolled))).values()) == [11, 12, 1]


async def test_whom_only_the_hours_of_a_day_know_is_erased_there_too(platform: Platform) -> None:
    org_id, number = new_id(), 5_400  # more than a day names, or keeps hashes of
    crowd = [f"u-{each}" for each in range(number)]
    for hour in range(6):
        at = (DAY + timedelta(hours=hour)).isoformat()
        await platform.record([call(org_id, end_user=user, started_at=at) for user in crowd[hour::6]])
    platform.clock.moment = DAY + timedelta(days=5)
    await platform.roll()
    counted = set(kept_hashes({user_hash(user) for user in crowd}))
    ((_, named),) = await platform.rollups.units(org_id, Granularity.DAY, GroupingSet.END_USER, [DAY])
    known = set(named.values(0))
    erased = next(user for user in crowd if user not in known and user_hash(user) not in counted)

    await Forgetting(platform.rollups).forget(org_id, erased, deadline=Deadline(600))

    ((_, hours),) = await platform.rollups.units(org_id, Granularity.DAY, GroupingSet.HOURS, [DAY])
    hashes = {each for _, those in hours.users() for each in those}
    assert len(hashes) == number - 1
    assert user_hash(erased) not in hashes


async def test_hours_of_days_are_kept_as_long_as_hours_are(mongodb: AsyncDatabase[Document], rolled: UUID) -> None:
    kept = await mongodb[ROLLUPS].find({"org_id": rolled, "granularity": "day", "start": DAY}).to_list()

    assert {each["sheet"] for each in kept} >= {"hours", "hours_singles"}
    assert all(each["expires_at"] is None for each in kept)
    groupings = {name for each in kept for name in each} & set(GroupingSet)
    assert groupings == {*FINEST_SETS, *SINGLE_SETS, *HOURLY.values()}
