"""What dates bring to a subscription: pure, so that everything is true on its day, whether or not a job has run."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import Final, NamedTuple
from uuid import UUID

from billing.periods import day_of
from billing.subscriptions.events import (
    SubscriptionChanged,
    SubscriptionEnded,
    SubscriptionPaused,
    TrialEnded,
    TrialEnding,
)
from billing.subscriptions.models import Phase, Subscription, Terms
from llmo_messaging.envelope import Event

TOLD_BEFORE: Final = timedelta(days=3)
"""How long before its end a trial is announced to end, as Stripe does (https://docs.stripe.com/billing/subscriptions/trials)."""


class Turn(IntEnum):
    """Something that a date brings; of those of one moment the first comes first, and the end leaves no other."""

    TRIAL_ENDING = 1
    END = 2
    TRIAL_END = 3
    CHANGE = 4
    PAUSE = 5


class Due(NamedTuple):
    """When something comes."""

    at: datetime
    turn: Turn


class Brought(NamedTuple):
    """A subscription as it has become, and what is to be announced of that."""

    subscription: Subscription
    events: Sequence[Event]


def turns(subscription: Subscription) -> Sequence[Due]:
    """What is still to come, in order."""
    if subscription.ended_at is not None:
        return []
    found: list[Due] = []
    trial_end = subscription.trial_ends_at
    end = subscription.begins(subscription.cancel_on) if subscription.cancel_on is not None else None
    pause = subscription.begins(subscription.pause_on) if subscription.pause_on is not None else None
    if trial_end is not None:
        found.append(Due(trial_end - TOLD_BEFORE, Turn.TRIAL_ENDING))
        if pause is None or trial_end < pause:
            found.append(Due(trial_end, Turn.TRIAL_END))
    if end is not None:
        found.append(Due(end, Turn.END))
    if subscription.pending is not None:
        found.append(Due(subscription.begins(subscription.pending.takes_effect_on), Turn.CHANGE))
    if pause is not None:
        found.append(Due(pause, Turn.PAUSE))
    return sorted(due for due in found if due.at > subscription.as_of and (end is None or due.at <= end))


def turns_at(subscription: Subscription) -> datetime | None:
    """When the next thing comes; None when none does."""
    return next((due.at for due in turns(subscription)), None)


def as_of(subscription: Subscription, now: datetime) -> Brought:
    """The subscription with everything that dates have brought until now.

    The same as at several moments one after the other. One revision later when it has changed.
    """
    events: list[Event] = []
    for at, turn in turns(subscription):
        if at > now or subscription.ended_at is not None:
            break
        subscription, told = _bring(subscription, at, turn)
        events += told
    return Brought(subscription.model_copy(update={"as_of": max(now, subscription.as_of)}), events)


def next_phase(
    subscription: Subscription, terms: Terms, on: date, at: datetime, *, cycle_starts_on: date | None = None
) -> Phase:
    """The phase that follows the last one with a day.

    Its periods go on as those before unless it has others, which begin with the day, or when the trial has ended.
    """
    last = subscription.phase
    if cycle_starts_on is None:
        same = last.terms.definition.cadence.months == terms.definition.cadence.months
        cycle_starts_on = last.cycle_starts_on if same else max(last.cycle_starts_on, on)
    return Phase(number=last.number + 1, terms=terms, from_on=on, begins_at=at, cycle_starts_on=cycle_starts_on)


def ended(subscription: Subscription, on: date, at: datetime, reason: str | None) -> Brought:
    """The subscription, ended at a moment; `on` is the first day that is not its own."""
    phases = subscription.with_last_phase_ended(on, at)
    after = subscription.having(
        phases=phases,
        pending=None,
        cancel_on=None,
        cancel_reason=reason,
        pause_on=None,
        ended_on=on,
        ended_at=at,
    )
    return Brought(after, [SubscriptionEnded(subscription_id=after.id, ended_on=on, reason=reason)])


def _bring(subscription: Subscription, at: datetime, turn: Turn) -> Brought:
    match turn:
        case Turn.TRIAL_ENDING:
            told = TrialEnding(subscription_id=subscription.id, trial_ends_at=at + TOLD_BEFORE)
            return Brought(subscription, [told])
        case Turn.TRIAL_END:
            return Brought(subscription, [TrialEnded(subscription_id=subscription.id, trial_ends_at=at)])
        case Turn.END:
            return ended(subscription, day_of(at, subscription.time_zone), at, subscription.cancel_reason)
        case Turn.CHANGE:
            return _changed(subscription, at)
        case Turn.PAUSE:
            return _paused(subscription, at)


def _changed(subscription: Subscription, at: datetime) -> Brought:
    if subscription.pending is None:
        raise ValueError("nothing is pending")
    on = subscription.pending.takes_effect_on
    phase = next_phase(subscription, subscription.pending.terms, on, at)
    phases = (*subscription.with_last_phase_ended(on, at), phase)
    return Brought(subscription.having(phases=phases, pending=None), [changed_to(subscription, phase, by=None)])


def changed_to(subscription: Subscription, phase: Phase, *, by: UUID | None) -> SubscriptionChanged:
    """What is announced of a new phase."""
    return SubscriptionChanged(
        subscription_id=subscription.id,
        phase=phase.number,
        plan_id=phase.terms.plan_id,
        version=phase.terms.version,
        seats=phase.terms.seats,
        features=phase.terms.features,
        on=phase.from_on,
        by=by,
    )


def _paused(subscription: Subscription, at: datetime) -> Brought:
    on = day_of(at, subscription.time_zone)
    after = subscription.having(phases=subscription.with_last_phase_ended(on, at))
    return Brought(after, [SubscriptionPaused(subscription_id=subscription.id, on=on)])
