"""Whoever listens is told of hours that are not what such hours are, once, and of no others."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from pymongo.asynchronous.database import AsyncDatabase

from analytics import api, wiring
from analytics.anomalies.models import Anomaly, Direction
from analytics.anomalies.repository import MongoAnomalies, MongoMarks, MongoOrganizations
from analytics.anomalies.scoring import scored
from analytics.anomalies.service import Detecting, NotLookedAt, hours_after
from analytics.models import TooSlow
from analytics.querying.models import Metric
from analytics.rollups.reading import Look
from llmo_core.ids import new_id
from llmo_core.loop import run
from llmo_data.mongo import Document
from llmo_messaging.bus import PublishFailed
from tests.integration.analytics.calls import call
from tests.integration.analytics.rolled import Platform

EVENTS = Path(__file__).parents[3] / "events"
HOUR = datetime(2026, 8, 17, 10, tzinfo=UTC)
LATER = datetime(2026, 9, 1, tzinfo=UTC)


class Told:
    """Announcements, as they were made; the first of which may fail."""

    def __init__(self, *, failing: int = 0) -> None:
        self.anomalies: list[Anomaly] = []
        self._failing = failing

    async def detected(self, anomaly: Anomaly) -> None:
        if self._failing:
            self._failing -= 1
            raise PublishFailed
        self.anomalies.append(anomaly)

    def of(self, org_id: UUID) -> list[Anomaly]:
        return [each for each in self.anomalies if each.org_id == org_id]


@pytest.fixture
def platform(mongodb: AsyncDatabase[Document]) -> Platform:
    return Platform(mongodb, HOUR + timedelta(hours=1, minutes=5))


def detecting(platform: Platform, mongodb: AsyncDatabase[Document], told: Told, *, reading: Any = None) -> Detecting:
    return Detecting(
        reading=reading or platform.reading,
        organizations=MongoOrganizations(mongodb),
        anomalies=MongoAnomalies(mongodb),
        marks=MongoMarks(mongodb),
        announcements=told,
        clock=platform.clock,
    )


async def weeks(platform: Platform, requests: Sequence[int], **said: Any) -> UUID:
    """An organization with so many calls in the hour, of past weeks and at last of now."""
    org_id = new_id()
    for back, number in zip(range(len(requests) - 1, -1, -1), requests, strict=True):
        at = HOUR - timedelta(weeks=back)
        await platform.record(
            [call(org_id, started_at=(at + timedelta(seconds=20 * n)).isoformat(), **said) for n in range(number)]
        )
    await platform.roll()
    return org_id


async def test_an_hour_far_above_such_hours_is_told_of_once(
    platform: Platform, mongodb: AsyncDatabase[Document]
) -> None:
    org_id, told = await weeks(platform, [10, 12, 9, 11, 10, 90]), Told()

    for _ in range(2):
        await detecting(platform, mongodb, told).detect(until=LATER)

    (anomaly,) = told.of(org_id)
    assert (anomaly.metric, anomaly.direction, anomaly.hour) == (Metric.REQUESTS, Direction.ABOVE, HOUR)
    assert (anomaly.value, anomaly.expected, anomaly.weeks) == (90, 10, 5)
    assert anomaly.score > 3.5


async def test_an_hour_without_calls_is_told_of_where_there_are_always_some(
    platform: Platform, mongodb: AsyncDatabase[Document]
) -> None:
    org_id, told = await weeks(platform, [60, 62, 58, 61, 60, 0]), Told()

    await detecting(platform, mongodb, told).detect(until=LATER)

    assert [(each.metric, each.direction) for each in told.of(org_id)] == [(Metric.REQUESTS, Direction.BELOW)]


@pytest.mark.parametrize(
    "requests", [[10, 12, 9, 11, 10, 13], [100, 90], [1, 1, 1, 1, 1, 5]], ids=["as ever", "too young", "a handful"]
)
async def test_of_ordinary_hours_nobody_is_told(
    platform: Platform, mongodb: AsyncDatabase[Document], requests: Sequence[int]
) -> None:
    org_id, told = await weeks(platform, requests), Told()

    await detecting(platform, mongodb, told).detect(until=LATER)

    assert told.of(org_id) == []


async def test_what_nobody_could_be_told_of_is_told_the_next_time(
    platform: Platform, mongodb: AsyncDatabase[Document]
) -> None:
    org_id, told = await weeks(platform, [10, 12, 9, 11, 10, 90]), Told(failing=1)

    with pytest.raises(PublishFailed):
        await detecting(platform, mongodb, told).detect(until=LATER)
    await detecting(platform, mongodb, told).detect(until=LATER)

    assert len(told.of(org_id)) == 1


class Slow:
    """Reads rollups, but those of an organization too slowly."""

    def __init__(self, reading: Any, org_id: UUID) -> None:
        self._reading = reading
        self._org_id = org_id

    async def tallies(self, look: Look) -> Any:
        if look.org_id == self._org_id:
            raise TooSlow
        return await self._reading.tallies(look)


async def test_an_hour_that_could_not_be_looked_at_is_looked_at_by_a_later_run(
    platform: Platform, mongodb: AsyncDatabase[Document]
) -> None:
    org_id, told = await weeks(platform, [10, 12, 9, 11, 10, 90]), Told()
    platform.clock.advance(hours=-1)
    await detecting(platform, mongodb, told).detect(until=LATER)  # the hour before
    platform.clock.advance(hours=1)
    with pytest.raises(NotLookedAt):
        await detecting(platform, mongodb, told, reading=Slow(platform.reading, org_id)).detect(until=LATER)
    assert told.of(org_id) == []

    platform.clock.advance(hours=3)
    await detecting(platform, mongodb, told).detect(until=LATER)

    assert [(each.metric, each.hour) for each in told.of(org_id)] == [(Metric.REQUESTS, HOUR)]


async def test_runs_that_never_came_are_made_up_for_a_day_back(
    platform: Platform, mongodb: AsyncDatabase[Document]
) -> None:
    org_id, told = await weeks(platform, [10, 12, 9, 11, 10, 90]), Told()
    platform.clock.advance(hours=-1)
    await detecting(platform, mongodb, told).detect(until=LATER)

    platform.clock.advance(hours=24)
    await detecting(platform, mongodb, told).detect(until=LATER)

    assert [each.hour for each in told.of(org_id)] == [HOUR]


async def test_a_run_whose_time_is_up_leaves_the_rest_to_the_next_one(
    platform: Platform, mongodb: AsyncDatabase[Document]
) -> None:
    org_id, told = await weeks(platform, [10, 12, 9, 11, 10, 90]), Told()

    with pytest.raises(NotLookedAt):
        await detecting(platform, mongodb, told).detect(until=platform.clock.now())
    assert told.of(org_id) == []
    await detecting(platform, mongodb, told).detect(until=LATER)

    assert len(told.of(org_id)) == 1


@pytest.mark.parametrize(("missed", "looked_at"), [(None, 1), (-1, 0), (0, 0), (1, 1), (3, 3), (24, 24), (400, 24)])
def test_no_more_than_a_days_hours_are_looked_at_later(missed: int | None, looked_at: int) -> None:
    last = None if missed is None else HOUR - timedelta(hours=missed)

    hours = hours_after(last, HOUR)

    assert hours == [HOUR - timedelta(hours=back) for back in range(looked_at - 1, -1, -1)]


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        (Metric.REQUESTS, 90.0, "90"),
        (Metric.COST_USD, 0.01234, "0.0123"),
        (Metric.ERROR_RATE, 0.1234, "12.3"),
        (Metric.LATENCY_P95, 812.34, "812.3"),
    ],
)
def test_people_read_numbers_in_the_metrics_own_unit(metric: Metric, value: float, text: str) -> None:
    anomaly = Anomaly(
        org_id=new_id(),
        hour=HOUR,
        metric=metric,
        direction=Direction.ABOVE,
        value=value,
        expected=0,
        score=9,
        weeks=6,
        detected_at=HOUR,
    )

    assert anomaly.texts == (text, "0")


def test_one_odd_week_hides_no_other() -> None:
    score = scored(500.0, [100, 98, 102, 5000, 101], Metric.REQUESTS)

    assert score is not None
    assert score.anomalous
    assert score.expected == 101


def ask(org_id: UUID, *, permissions: str = "usage:read", **query: str) -> tuple[int, Any]:
    event = json.loads((EVENTS / "AnalyticsApiFunction" / "anomalies.json").read_text())
    event["requestContext"]["authorizer"] |= {"org_id": str(org_id), "permissions": permissions}
    event["queryStringParameters"] = query or None
    event["multiValueQueryStringParameters"] = {name: [value] for name, value in query.items()} or None
    response = api.handler(event, None)
    return response["statusCode"], json.loads(response["body"])


@pytest.fixture
def wired(lambda_environment: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: ARG001 - the handler reads it
    yield
    run(wiring.close())


@pytest_asyncio.fixture
async def odd(platform: Platform, mongodb: AsyncDatabase[Document]) -> UUID:
    """An organization of which something odd was detected."""
    org_id = await weeks(platform, [10, 12, 9, 11, 10, 90])
    await detecting(platform, mongodb, Told()).detect(until=LATER)
    return org_id


@pytest.mark.usefixtures("wired")
def test_anomalies_are_listed_for_the_organization_and_for_no_other(odd: UUID) -> None:
    august = {"from": "2026-08-01", "to": "2026-09-01"}

    status, mine = ask(odd, **august)

    assert status == 200
    (anomaly,) = mine["data"]
    assert (anomaly["metric"], anomaly["value"], anomaly["hour"]) == ("requests", 90, "2026-08-17T10:00:00Z")
    assert ask(new_id(), **august)[1]["data"] == []
    assert ask(odd, permissions="llm:call", **august)[0] == 403
    assert ask(odd, **{"from": "2026-09-01", "to": "2026-08-01"})[0] == 400


@pytest.mark.usefixtures("wired", "without_store")
def test_without_the_store_the_caller_is_told_to_try_again() -> None:
    assert ask(new_id())[0] == 503
