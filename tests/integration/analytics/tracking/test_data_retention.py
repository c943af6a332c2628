"""For how long events are kept, over HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from analytics.data_retention.repository import MongoRetentions
from llmo_core.ids import new_id
from tests.integration.analytics.tracking.calling import NOW, READER, WRITER, Tracked, event
from tests.integration.api_caller import problem

TODAY = NOW.replace(hour=0, second=0)


async def test_events_are_kept_as_the_plan_has_it_unless_asked_otherwise(tracked: Tracked) -> None:
    answer = await tracked.caller(READER)("GET", "/data-retention")

    assert answer.json() == {"days": 90, "chosen_days": None, "most_days": 90}


async def test_a_choice_holds_for_events_to_come_and_for_those_that_are_kept(tracked: Tracked) -> None:
    call = tracked.caller()
    old = NOW - timedelta(days=6)
    await call("POST", "/events/batch", json={"events": [event(1, timestamp=old.isoformat()), event(2)]})

    answer = await call("PUT", "/data-retention", json={"days": 31})
    await call("POST", "/events", json=event(3))

    assert answer.json() == {"days": 31, "chosen_days": 31, "most_days": 90}
    ends = [each["expires_at"] - TODAY for each in await tracked.kept()]
    assert ends == [timedelta(days=26), timedelta(days=32), timedelta(days=32)]

    await call("PUT", "/data-retention", json={"days": None})
    ends = [each["expires_at"] - TODAY for each in await tracked.kept()]
    assert ends == [timedelta(days=85), timedelta(days=91), timedelta(days=91)]


async def test_another_organizations_events_end_when_they_did(tracked: Tracked) -> None:
    await tracked.caller()("POST", "/events", json=event())

    await tracked.caller(org_id=new_id())("PUT", "/data-retention", json={"days": 31})

    assert [each["expires_at"] - TODAY for each in await tracked.kept()] == [timedelta(days=91)]


async def test_nobody_keeps_events_longer_than_the_plan_does(tracked: Tracked) -> None:
    answer = await tracked.caller()("PUT", "/data-retention", json={"days": 91})

    assert problem(answer) == (400, "longer_than_the_plan")


@pytest.mark.parametrize("days", [0, 30, -1, 3661, 31.5, "31", True, 10**30])
async def test_days_are_a_number_of_days(tracked: Tracked, days: Any) -> None:
    assert problem(await tracked.caller()("PUT", "/data-retention", json={"days": days})) == (422, "malformed_request")


@pytest.mark.parametrize("permissions", [WRITER, READER])
async def test_only_whoever_sets_up_analytics_chooses(tracked: Tracked, permissions: frozenset[str]) -> None:
    answer = await tracked.caller(permissions)("PUT", "/data-retention", json={"days": 31})

    assert problem(answer) == (403, "missing_permission")


async def test_what_is_tracked_of_a_closed_organization_ends_with_the_rest(tracked: Tracked) -> None:
    ends_at = NOW + timedelta(days=30)
    await MongoRetentions(tracked.database, default_days=90).close(tracked.org_id, ends_at=ends_at)

    await tracked.track(event(1))

    [kept] = await tracked.kept()
    assert kept["expires_at"] == ends_at.replace(microsecond=0)
