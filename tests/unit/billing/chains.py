"""Random subscriptions: a chain of what somebody does to one, while days go by."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from billing.periods import day_of
from billing.pricing.plans import PlanVersion
from billing.subscriptions import changing
from billing.subscriptions.dates import Brought, as_of
from billing.subscriptions.models import Phase, Subscription, Terms, When
from llmo_core.errors import Conflict
from llmo_messaging.envelope import Event

SOMEBODY = UUID(int=7)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "America/Santiago"]
STARTS = [datetime(2027, 1, 31, tzinfo=UTC), datetime(2028, 1, 31, tzinfo=UTC), datetime(2027, 3, 14, 5, tzinfo=UTC)]


def plan(fee: str, *, months: int = 1, trial_days: int = 0, per_seat: str = "5") -> PlanVersion:
    """A fee and a price for each seat."""
    charges: list[dict[str, Any]] = [
        {"code": "fee", "name": "Fee", "basis": "recurring", "price": {"kind": "flat", "amount": fee}},
        {"code": "seats", "name": "Seats", "basis": "seats", "price": {"kind": "per_unit", "unit_price": per_seat}},
    ]
    return PlanVersion.model_validate(
        {
            "currency": "USD",
            "cadence": {"interval": "month", "count": months},
            "charges": charges,
            "trial_days": trial_days,
        }
    )


def terms(number: int, fee: str, *, months: int = 1, seats: int = 1) -> Terms:
    return Terms(plan_id=UUID(int=number), version=1, definition=plan(fee, months=months), seats=seats)


def started(now: datetime, wanted: Terms, *, zone: str = "UTC", trial_days: int = 0) -> Subscription:
    """A subscription that starts now."""
    today = day_of(now, zone)
    first = today + timedelta(days=trial_days)
    return Subscription(
        id=UUID(int=1),
        org_id=UUID(int=2),
        time_zone=zone,
        starts_on=today,
        trial_days=trial_days,
        phases=(Phase(number=1, terms=wanted, from_on=today, begins_at=now, cycle_starts_on=first),),
        as_of=now,
        created_by=SOMEBODY,
        created_at=now,
    )


def any_terms() -> st.SearchStrategy[Terms]:
    """Several plans of a month and one of three, each always with the same price."""
    return st.tuples(st.sampled_from(["9.99", "20", "33.333333", "70"]), st.integers(1, 4)).map(
        lambda chosen: terms(int(Decimal(chosen[0])), chosen[0], months=3 if chosen[0] == "70" else 1, seats=chosen[1])
    )


@dataclass(frozen=True)
class Chain:
    """What has become of a subscription, how it was at each step, and what was announced."""

    steps: list[Subscription]
    events: list[Event]

    @property
    def last(self) -> Subscription:
        return self.steps[-1]


@st.composite
def chains(draw: st.DrawFn, *, most: int = 8) -> Chain:
    """Starts, changes, cancellations, pauses and resumptions, with days in between."""
    now = draw(st.sampled_from(STARTS)) + timedelta(minutes=draw(st.integers(0, 24 * 60 * 60)))
    subscription = started(
        now, draw(any_terms()), zone=draw(st.sampled_from(ZONES)), trial_days=draw(st.sampled_from([0, 0, 2, 14, 40]))
    )
    steps, events = [subscription], [*changing.started(subscription).events]
    for _ in range(draw(st.integers(0, most))):
        now += timedelta(minutes=draw(st.one_of(st.integers(0, 600), st.integers(0, 60 * 24 * 60))))
        brought = as_of(subscription, now)
        subscription, told = brought.subscription, [*brought.events]
        try:
            done = _do(draw, subscription)
        except Conflict:
            pass
        else:
            subscription, told = done.subscription, [*told, *done.events]
        steps.append(subscription)
        events += told
    return Chain(steps, events)


def _do(draw: st.DrawFn, subscription: Subscription) -> Brought:
    what = draw(st.sampled_from(["change"] * 5 + ["cancel", "pause", "resume", "resume", "end"]))
    match what:
        case "change":
            return changing.changed(subscription, draw(any_terms()), draw(st.sampled_from(When)), by=SOMEBODY)
        case "cancel":
            return changing.cancelled(subscription, When.AT_PERIOD_END, None, by=SOMEBODY)
        case "pause":
            return changing.paused(subscription, by=SOMEBODY)
        case "resume":
            return changing.resumed(subscription, by=SOMEBODY)
        case _:
            return changing.cancelled(subscription, When.NOW, None, by=SOMEBODY)


def days_had(subscription: Subscription, until: date) -> list[tuple[date, Phase]]:
    """Every day of a subscription before `until` with the phase that it belongs to."""
    found = []
    for phase in subscription.phases:
        day, end = phase.from_on, phase.until_on or until
        while day < end:
            found.append((day, phase))
            day += timedelta(days=1)
    return found


def local(zone: str, day: date, hour: int, minute: int = 0) -> datetime:
    """A moment on the clocks of a zone."""
    return datetime.combine(day, time(hour, minute), ZoneInfo(zone)).astimezone(UTC)
