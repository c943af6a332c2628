"""For how long events are kept, over HTTP."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.data_retention.applying import Applying
from analytics.data_retention.events import SubscriptionEnded
from analytics.data_retention.following import Following
from analytics.data_retention.models import GRACE, Retention
from analytics.data_retention.repository import MongoExpiringEvents, MongoRetentions
from analytics.data_retention.service import RetentionService
from analytics.event_schemas.repository import MongoEventSchemas
from analytics.tracking.models import GivenEvent, Origin, Sender, TrackedEvent
from analytics.tracking.repository import MongoTrackedEvents
from analytics.tracking.service import TrackingService
from llmo_core.ids import new_id
from llmo_messaging.consumer import Delivery
from llmo_messaging.envelope import Envelope
from tests.clocks import MovableClock
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


class Ticking(MovableClock):
    """A clock that goes on by some seconds whenever somebody looks."""

    def __init__(self, moment: datetime, seconds: float) -> None:
        super().__init__(moment)
        self._seconds = seconds

    def now(self) -> datetime:
        self.advance(seconds=self._seconds)
        return super().now()


async def test_what_takes_longer_than_there_is_time_goes_on_where_it_ended(tracked: Tracked) -> None:
    days = [(NOW - timedelta(days=ago)).isoformat() for ago in range(6)]
    await tracked.track(*[event(number, timestamp=day) for number, day in enumerate(days)])
    retentions = MongoRetentions(tracked.database, default_days=90)
    slow = Applying(retentions=retentions, events=MongoExpiringEvents(tracked.database), clock=Ticking(NOW, seconds=4))

    await RetentionService(retentions=retentions, applying=slow).choose(tracked.org_id, 31)

    async def shortened() -> int:
        kept = {each["event_id"]: each["expires_at"] - each["day"] for each in await tracked.kept()}
        return sum(lasts == timedelta(days=32) for lasts in kept.values())

    assert 0 < await shortened() < 6
    assert (await retentions.of(tracked.org_id)).unapplied
    assert await tracked.applying.go_on(until=NOW + timedelta(hours=1))
    assert await shortened() == 6
    assert not (await retentions.of(tracked.org_id)).unapplied


async def test_another_choice_begins_anew(tracked: Tracked) -> None:
    retentions = MongoRetentions(tracked.database, default_days=90)
    first = await retentions.choose(tracked.org_id, 31)
    second = await retentions.choose(tracked.org_id, 32)

    await retentions.applied(first, to=None)

    assert (await retentions.of(tracked.org_id)) == second
    assert second.unapplied


async def test_an_event_that_is_kept_while_another_retention_is_chosen_ends_as_chosen(tracked: Tracked) -> None:
    class Meanwhile(MongoTrackedEvents):
        """Events that are kept after somebody chose another retention, and applied it."""

        async def add(self, events: Sequence[TrackedEvent]) -> Collection[int]:
            await tracked.retention.choose(tracked.org_id, 31)
            return await super().add(events)

    service = TrackingService(
        events=Meanwhile(tracked.database),
        schemas=MongoEventSchemas(tracked.database),
        keeping=tracked.retention,
        erasures=tracked.erasures,
        rates=tracked.rates,
        clock=tracked.clock,
    )
    sender = Sender(org_id=tracked.org_id, project_id=None, actor_id=new_id(), origin=Origin.SERVER)
    await service.track_one(sender, GivenEvent.model_validate(event()))

    assert [each["expires_at"] - TODAY for each in await tracked.kept()] == [timedelta(days=32)]


@given(
    old=st.integers(31, 400), new=st.integers(31, 400), chosen=st.none() | st.integers(31, 400), age=st.integers(0, 500)
)
def test_in_its_grace_nothing_ends_sooner_than_it_would_have_and_nothing_later(
    old: int, new: int, chosen: int | None, age: int
) -> None:
    happened = NOW - timedelta(days=age)
    before = Retention(org_id=UUID(int=1), default_days=90, plan_days=old, chosen_days=chosen)
    after = before.model_copy(update={"plan_days": new, "grace_days": old, "grace_until": NOW + GRACE})
    ends, was = after.expiry(happened), before.expiry(happened)

    assert ends >= min(was, NOW + GRACE)
    assert ends <= max(was, before.model_copy(update={"plan_days": new}).expiry(happened))


async def test_when_a_subscription_ends_nothing_ends_sooner_for_thirty_days(tracked: Tracked) -> None:
    await tracked.track(event(1, timestamp=(NOW - timedelta(days=6)).isoformat()))
    retentions = MongoRetentions(tracked.database, default_days=31)
    following = Following(retentions=retentions, applying=tracked.applying)
    kept_at = [await retentions.follow_plan(tracked.org_id, 365, at=NOW - timedelta(days=50), grace=timedelta())]
    tracked.clock.advance(days=40)
    ended = SubscriptionEnded()
    envelope = Envelope(
        id=new_id(),
        source="llmo.billing",
        type=SubscriptionEnded.event_type,
        time=tracked.clock.now(),
        orgid=tracked.org_id,
        data={},
    )

    for _ in range(2):
        await following.plans([Delivery(envelope, ended)])

    assert kept_at[0].days == 365
    assert (await retentions.of(tracked.org_id)).days == 31
    [kept] = await tracked.kept()
    assert kept["expires_at"] == tracked.clock.now() + timedelta(days=30)
