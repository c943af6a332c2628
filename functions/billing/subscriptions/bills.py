"""What a subscription owes for a period: pure, before anything is priced.

In advance for a period that begins, for changes within it, and the stretches of it whose usage is rated by the plan
that was had then. Trials and pauses are no periods: nothing is owed for them, usage included.
"""

from collections.abc import Sequence
from datetime import date, datetime

from billing.invoicing.items import Item, ItemKind, advance
from billing.periods import Period, day_of
from billing.proration import Share, Stretch, share_from, stretches
from billing.subscriptions.models import Phase, Subscription
from billing.taxes import Taxation
from llmo_core.fields import Moment
from llmo_core.model import Model


class RatedStretch(Model):
    """Days of a period with the same terms: what was used then is rated by them, with the share of what is included."""

    stretch: Stretch
    phase: Phase


class ChangeDue(Model):
    """What a change within a period, or an end, credits and charges of what is paid in advance.

    Attributes:
        at: When it was made.
        on: The day that it counts from.
    """

    at: Moment
    on: date
    items: tuple[Item, ...]


class PeriodBill(Model):
    """What is owed for a period.

    Attributes:
        advance: Due when the period begins, or when the subscription does on its first day.
        changes: In order, each due when it is made.
        stretches: In order, rated when the period or the subscription has ended.
    """

    period: Period
    advance: tuple[Item, ...]
    changes: tuple[ChangeDue, ...]
    stretches: tuple[RatedStretch, ...]


def periods(subscription: Subscription, until: datetime) -> Sequence[Period]:
    """The paid periods that have begun by a moment up to which the subscription is known (`as_of`), in order.

    Where a change began a new cycle, the period before it is listed to its end, and the first one of the new cycle
    overlaps it; `period_bill` says of each what is owed.
    """
    found: set[tuple[datetime, datetime]] = set()
    for phase in subscription.phases:
        cycle = phase.cycle(subscription.time_zone)
        begins = max(subscription.begins(phase.from_on), cycle.boundary(0))
        number = cycle.number_at(begins)
        while cycle.boundary(number) <= until and (phase.ends_at is None or cycle.boundary(number) < phase.ends_at):
            period = cycle.period(number)
            found.add((period.start, period.end))
            number += 1
    return [Period(start=start, end=end) for start, end in sorted(found)]


def period_bill(subscription: Subscription, period: Period, taxation: Taxation) -> PeriodBill:
    """What is owed for one of its periods, by what is known of the subscription."""
    phases = [phase for phase in subscription.phases if _has(phase, period, subscription.time_zone)]
    first = _first(phases, period)
    return PeriodBill(
        period=period,
        advance=tuple(advance(first.terms.subscribed, period, taxation)) if first is not None else (),
        changes=tuple(_changes(subscription, period, phases, first, taxation)),
        stretches=tuple(_stretches(subscription, period, phases)),
    )


def _has(phase: Phase, period: Period, time_zone: str) -> bool:
    """Whether a period is one of those that a phase's cycle has."""
    cycle = phase.cycle(time_zone)
    return cycle.boundary(0) <= period.start and cycle.containing(period.start) == period


def _first(phases: Sequence[Phase], period: Period) -> Phase | None:
    """The phase that was in force when the period began; else the one that its cycle began with, later on that day."""
    for phase in phases:
        if phase.begins_at <= period.start and (phase.ends_at is None or period.start < phase.ends_at):
            return phase
    return next((phase for phase in phases if phase.begins_at > period.start), None)


def _changes(
    subscription: Subscription, period: Period, phases: Sequence[Phase], first: Phase | None, taxation: Taxation
) -> Sequence[ChangeDue]:
    zone = subscription.time_zone
    due: list[ChangeDue] = []
    for old, new in _transitions(subscription.phases):
        at, on = (new.begins_at, new.from_on) if new is not None else _end(old)
        if at is None or on is None or not period.start < at < period.end or on >= day_of(period.end, zone):
            continue
        share = share_from(period, on, zone)
        items: list[Item] = []
        if old is not None and old in phases:
            items += _shared(old, ItemKind.UNUSED, period, share, taxation)
        if new is not None and new in phases and new is not first:
            items += _shared(new, ItemKind.REMAINING, period, share, taxation)
        if items:
            due.append(ChangeDue(at=at, on=on, items=tuple(items)))
    return due


def _transitions(phases: Sequence[Phase]) -> Sequence[tuple[Phase | None, Phase | None]]:
    """From which phase to which; from none after a pause, and to none where one ended without another."""
    found: list[tuple[Phase | None, Phase | None]] = []
    last: Phase | None = None
    for phase in phases:
        if last is not None and last.ends_at != phase.begins_at:
            found.append((last, None))
            last = None
        found.append((last, phase))
        last = phase
    if last is not None and last.ends_at is not None:
        found.append((last, None))
    return found


def _end(phase: Phase | None) -> tuple[datetime | None, date | None]:
    return (phase.ends_at, phase.until_on) if phase is not None else (None, None)


def _shared(phase: Phase, kind: ItemKind, period: Period, share: Share, taxation: Taxation) -> Sequence[Item]:
    return advance(phase.terms.subscribed, period, taxation, kind=kind, share=share)


def _stretches(subscription: Subscription, period: Period, phases: Sequence[Phase]) -> Sequence[RatedStretch]:
    zone = subscription.time_zone
    first, end = day_of(period.start, zone), day_of(period.end, zone)
    days = {day for phase in phases for day in (phase.from_on, phase.until_on) if day is not None and first < day < end}
    found: list[RatedStretch] = []
    for stretch in stretches(period, days, zone):
        day = day_of(stretch.period.start, zone)
        had = (each for each in phases if each.from_on <= day and (each.until_on is None or day < each.until_on))
        phase = next(had, None)
        if phase is not None:
            found.append(RatedStretch(stretch=stretch, phase=phase))
    return found
