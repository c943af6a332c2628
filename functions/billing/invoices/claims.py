"""What a subscription has come to owe by a moment, whether or not an invoice says so: pure.

A claim is made once and put on one invoice. What is due in advance is due when a period begins; what was used, and what
is due in advance for the period after, some time later: events may be late by that much and are in time.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from billing.invoicing.items import Item
from billing.periods import Period
from billing.subscriptions.bills import PeriodBill, RatedStretch, period_bill, periods
from billing.subscriptions.models import Status, Subscription
from billing.taxes import Taxation
from llmo_core.fields import Moment
from llmo_core.model import Model

LATE_FOR: Final = timedelta(days=30)
"""How long events of a subscription's last period may be late; those of others, until the next one is billed."""


class ClaimKind(StrEnum):
    """For a period that begins, for a change within one, or for what was used in one.

    `late` is for what became known of the last period after its invoice: there is no next one to put it on.
    """

    ADVANCE = "advance"
    CHANGE = "change"
    USAGE = "usage"
    LATE = "late"


class ClaimKey(NamedTuple):
    """What tells a subscription's claims apart; `at` is when a change was made, else when the period starts."""

    kind: ClaimKind
    at: datetime
    period_start: datetime
    period_end: datetime


class Claim(Model):
    """Something that is owed.

    Attributes:
        at: When a change was made; when the period starts of others.
        due_at: When it goes on an invoice.
        items: What is owed in advance.
        stretches: Whose usage is owed.
    """

    kind: ClaimKind
    period: Period
    at: Moment
    due_at: Moment
    items: tuple[Item, ...] = ()
    stretches: tuple[RatedStretch, ...] = ()

    @property
    def key(self) -> ClaimKey:
        """What it is told apart by."""
        return ClaimKey(self.kind, self.at, self.period.start, self.period.end)


def claims(subscription: Subscription, until: datetime, taxation: Taxation, *, grace: timedelta) -> Sequence[Claim]:
    """All of the periods that have begun by a moment up to which the subscription is known, in the order they are due.

    Those of the last period may be due later than that.
    """
    begun = periods(subscription, until)
    found: list[Claim] = []
    for period in begun:
        follows = any(other.end == period.start for other in begun)
        bill = period_bill(subscription, period, taxation)
        found += _of(bill, timedelta() if not follows else grace, grace)
    if subscription.ended_at is not None:
        found += _late(found)
    return sorted(found, key=lambda claim: (claim.due_at, claim.at, claim.kind))


def open_claims(found: Sequence[Claim], claimed: Collection[ClaimKey], now: datetime) -> Sequence[Claim]:
    """Those that are due and on no invoice."""
    return [claim for claim in found if claim.due_at <= now and claim.key not in claimed]


def next_due_at(
    subscription: Subscription, found: Sequence[Claim], now: datetime, *, grace: timedelta
) -> datetime | None:
    """When the next claim is due, as far as is known now; None when none is before something changes."""
    later = [claim.due_at for claim in found if claim.due_at > now]
    period = subscription.current_period
    if period is not None:
        later.append(period.end + (timedelta() if subscription.status is Status.TRIALING else grace))
    return min(later, default=None)


def _late(found: Sequence[Claim]) -> Sequence[Claim]:
    """What may still become known of the last period in which anything that is used was billed."""
    used = [claim for claim in found if claim.kind is ClaimKind.USAGE]
    last = max(used, key=lambda claim: claim.period.end, default=None)
    if last is None:
        return []
    return [last.model_copy(update={"kind": ClaimKind.LATE, "due_at": last.due_at + LATE_FOR})]


def _of(bill: PeriodBill, advance_after: timedelta, usage_after: timedelta) -> Sequence[Claim]:
    period = bill.period
    found: list[Claim] = []
    if bill.advance:
        found.append(
            Claim(
                kind=ClaimKind.ADVANCE,
                period=period,
                at=period.start,
                due_at=period.start + advance_after,
                items=bill.advance,
            )
        )
    changed: dict[datetime, tuple[Item, ...]] = {}
    for change in bill.changes:  # several at one moment are one claim
        changed[change.at] = changed.get(change.at, ()) + change.items
    found += [
        Claim(kind=ClaimKind.CHANGE, period=period, at=at, due_at=at, items=items) for at, items in changed.items()
    ]
    if any(rated.phase.terms.definition.for_usage for rated in bill.stretches):
        ends = max(rated.stretch.period.end for rated in bill.stretches)
        found.append(
            Claim(
                kind=ClaimKind.USAGE,
                period=period,
                at=period.start,
                due_at=ends + usage_after,
                stretches=bill.stretches,
            )
        )
    return found
