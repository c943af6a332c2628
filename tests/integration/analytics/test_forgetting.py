"""Rollups name nobody who was erased, also those that are older than the calls that they were made of."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from pymongo.asynchronous.database import AsyncDatabase

from analytics.deadlines import Deadline
from analytics.erasures.models import Kind, Person
from analytics.models import TooSlow
from analytics.rollups.folding import MOST_GROUPS, groups_of
from analytics.rollups.forgetting import Forgetting
from analytics.rollups.models import Granularity, GroupingSet, Unit
from analytics.rollups.reading import Look
from analytics.usage.models import Dimension
from llmo_core.ids import new_id
from llmo_data.mongo import Document
from tests.integration.analytics.calls import call
from tests.integration.analytics.rolled import Platform

MORNING = datetime(2026, 8, 17, 10, 15, tzinfo=UTC)
STEPS = {
    "day": (MORNING - timedelta(days=3), MORNING + timedelta(days=3)),
    "hour": (MORNING.replace(minute=0), MORNING.replace(minute=0) + timedelta(hours=1)),
    "minute": (MORNING, MORNING + timedelta(minutes=1)),
}


async def names(platform: Platform, org_id: UUID, step: str) -> dict[str | None, int]:
    look = Look(org_id=org_id, steps=[STEPS[step]], dimensions=(Dimension.END_USER,))
    return {name: tally.requests for (_, (name,)), tally in (await platform.reading.tallies(look)).items()}


async def unique_users(platform: Platform, org_id: UUID) -> int:
    tallies = await platform.reading.tallies(Look(org_id=org_id, steps=[STEPS["day"]], users=True))
    return next(iter(tallies.values())).unique_users()[0]


@pytest_asyncio.fixture
async def old(platform: Platform, mongodb: AsyncDatabase[Document]) -> UUID:
    """An organization with rollups whose calls are gone."""
    org_id = new_id()
    users = ["ada", "ada", "bert", None]
    await platform.record([call(org_id, end_user=user, started_at=MORNING.isoformat()) for user in users])
    later = (MORNING + timedelta(days=1)).isoformat()
    await platform.record([call(org_id, end_user="bert", started_at=later)])
    await platform.roll()
    await mongodb["usage_events"].delete_many({"org_id": org_id})
    return org_id


@pytest.mark.parametrize("step", STEPS)
async def test_what_somebody_used_stays_and_names_nobody(platform: Platform, old: UUID, step: str) -> None:
    before = await names(platform, old, step)

    assert await Forgetting(platform.rollups).forget(old, "ada", deadline=Deadline()) == 3

    after = await names(platform, old, step)
    assert after == {None: before[None] + 2, "bert": before["bert"]}
    assert await Forgetting(platform.rollups).forget(old, "ada", deadline=Deadline()) == 0


async def test_nobody_counts_whoever_was_erased(platform: Platform, old: UUID) -> None:
    assert await unique_users(platform, old) == 2

    await Forgetting(platform.rollups).forget(old, "ada", deadline=Deadline())

    assert await unique_users(platform, old) == 1


async def test_no_document_of_rollups_has_the_name(
    platform: Platform, mongodb: AsyncDatabase[Document], old: UUID
) -> None:
    def named(document: Document) -> bool:
        return b"ada" in document.get("end_user", {}).get("counts", b"")

    kept = await mongodb["usage_rollups"].find({"org_id": old}).to_list()
    assert sum(map(named, kept)) == 5  # a minute's, and two of the hour and of the day: with histograms, and without

    await Forgetting(platform.rollups).forget(old, "ada", deadline=Deadline())

    kept = await mongodb["usage_rollups"].find({"org_id": old}).to_list()
    assert sum(map(named, kept)) == 0


async def test_a_name_is_found_in_minutes_although_the_day_only_knows_others(
    platform: Platform, mongodb: AsyncDatabase[Document]
) -> None:
    org_id = new_id()
    crowd = [f"u-{number}" for number in range(MOST_GROUPS[Granularity.DAY] + 200)]
    for hour in range(6):  # each user in two calls of an hour that has few of them
        start = MORNING + timedelta(hours=hour)
        some = crowd[hour::6]
        at = [start + timedelta(minutes=number % 2) for number in range(len(some))]
        await platform.record(
            [call(org_id, end_user=user, started_at=t.isoformat()) for user, t in zip(some, at, strict=True)]
        )
    await platform.roll()
    await mongodb["usage_events"].delete_many({"org_id": org_id})
    day = await names(platform, org_id, "day")
    erased = next(user for user in crowd[0::12] if user not in day)

    await Forgetting(platform.rollups).forget(org_id, erased, deadline=Deadline(600))

    assert erased not in await names(platform, org_id, "minute")
    assert sum((await names(platform, org_id, "day")).values()) == len(crowd)


async def test_whoever_read_before_brings_no_name_back(platform: Platform, old: UUID) -> None:
    fence = await platform.rollups.fence()
    unit = Unit(old, Granularity.DAY, Granularity.DAY.floor(MORNING))
    read = {}
    for each in GroupingSet:
        kept = await platform.rollups.units(old, unit.granularity, each, [unit.start])
        read[each] = groups_of(each, [columns for _, columns in kept])

    await Forgetting(platform.rollups).forget(old, "ada", deadline=Deadline())
    await platform.rollups.replace({unit: read}, fence=fence)

    assert "ada" not in await names(platform, old, "day")


async def test_what_takes_too_long_can_be_repeated(platform: Platform, old: UUID) -> None:
    seconds = iter([0.0, 1.0, 1.0, 1.0, 1.0, 30.0, *[31.0] * 20])

    with pytest.raises(TooSlow):
        await Forgetting(platform.rollups).forget(old, "ada", deadline=Deadline(22, timer=lambda: next(seconds)))

    await Forgetting(platform.rollups).forget(old, "ada", deadline=Deadline())
    assert "ada" not in await names(platform, old, "day")


async def test_calls_that_arrive_later_are_kept_without_the_name(platform: Platform) -> None:
    org_id, other = new_id(), new_id()
    await platform.erasures.remember(org_id, Person(Kind.USER, "ada"), at=platform.clock.now())

    await platform.record([call(org_id, end_user="ada"), call(org_id, end_user="bert"), call(other, end_user="ada")])

    assert await names(platform, org_id, "day") == {None: 1, "bert": 1}
    assert await names(platform, other, "day") == {"ada": 1}
