"""What somebody does to a subscription: pure; each takes it as it is at the moment, and gives what becomes of it."""

from datetime import date, timedelta
from uuid import UUID

from billing.proration import TakesEffect, takes_effect
from billing.subscriptions import events
from billing.subscriptions.dates import TOLD_BEFORE, Brought, changed_to, ended, next_phase
from billing.subscriptions.errors import CancellationScheduled, NothingToResume, ResumeFirst
from billing.subscriptions.models import PendingChange, Phase, Status, Subscription, Terms, When
from llmo_messaging.envelope import Event


def started(subscription: Subscription) -> Brought:
    """One that has just been made, with its only phase."""
    terms, trial_end = subscription.phase.terms, subscription.trial_ends_at
    told: list[Event] = [
        events.SubscriptionStarted(
            subscription_id=subscription.id,
            plan_id=terms.plan_id,
            version=terms.version,
            seats=terms.seats,
            starts_on=subscription.starts_on,
            trial_ends_at=trial_end,
            features=terms.features,
            by=subscription.created_by,
        )
    ]
    if trial_end is not None and trial_end - TOLD_BEFORE <= subscription.as_of:
        told.append(events.TrialEnding(subscription_id=subscription.id, trial_ends_at=trial_end))
    return Brought(subscription, told)


def changed(subscription: Subscription, terms: Terms, when: When, *, by: UUID) -> Brought:
    """Other terms, now or when the period ends. The same ones as before withdraw a change that is pending.

    A trial goes on, whatever is changed during it. Raises SubscriptionHasEnded, ResumeFirst, CurrenciesDiffer.
    """
    subscription.require_live()
    if subscription.cancel_on is not None or subscription.pause_on is not None:
        raise ResumeFirst
    present = subscription.phase.terms
    effect = takes_effect(present.subscribed, terms.subscribed)
    if terms.same_as(present):
        return _withdrawn(subscription, by)
    if when is When.NOW or (
        when is When.AUTO and (subscription.status is Status.TRIALING or effect is TakesEffect.NOW)
    ):
        return _changed_now(subscription, terms, by)
    return _change_scheduled(subscription, terms, by)


def cancelled(subscription: Subscription, when: When, reason: str | None, *, by: UUID) -> Brought:
    """Ended now, after this day, or with the period; one without a period under way ends now.

    Safe to repeat while it is scheduled. Raises SubscriptionHasEnded.
    """
    subscription.require_live()
    on = subscription.period_ends_on
    if when is When.NOW or on is None:
        reason = reason or subscription.cancel_reason
        told = events.SubscriptionCancelled(subscription_id=subscription.id, reason=reason, by=by)
        after, last = ended_now(subscription, reason)
        return Brought(after, [told, *last])
    if subscription.cancel_on is not None:
        return Brought(subscription, [])
    scheduled = events.CancellationScheduled(subscription_id=subscription.id, cancel_on=on, reason=reason, by=by)
    return Brought(subscription.having(cancel_on=on, cancel_reason=reason, pause_on=None), [scheduled])


def ended_now(subscription: Subscription, reason: str | None) -> Brought:
    """Ended at once. The day is its own to the end, with what was used on it; a day of a pause is nobody's."""
    paused = subscription.status is Status.PAUSED
    on = subscription.today if paused else _first_day_after(subscription)
    return ended(subscription, on, subscription.as_of, reason)


def paused(subscription: Subscription, *, by: UUID) -> Brought:
    """Paused when the period ends. Safe to repeat. Raises SubscriptionHasEnded, CancellationScheduled."""
    subscription.require_live()
    if subscription.cancel_on is not None:
        raise CancellationScheduled
    on = subscription.period_ends_on
    if subscription.pause_on is not None or on is None:
        return Brought(subscription, [])
    scheduled = events.PauseScheduled(subscription_id=subscription.id, pause_on=on, by=by)
    return Brought(subscription.having(pause_on=on), [scheduled])


def resumed(subscription: Subscription, *, by: UUID) -> Brought:
    """Going on: a pause ends with a new cycle from today on, and what was scheduled does not come.

    Raises SubscriptionHasEnded, NothingToResume.
    """
    subscription.require_live()
    if subscription.cancel_on is None and subscription.pause_on is None:
        raise NothingToResume
    phases, number = subscription.phases, None
    if subscription.status is Status.PAUSED:
        today = subscription.today
        terms = subscription.phase.terms
        phase = next_phase(subscription, terms, today, subscription.as_of, cycle_starts_on=today)
        phases, number = (*phases, phase), phase.number
    told = events.SubscriptionResumed(subscription_id=subscription.id, phase=number, by=by)
    after = subscription.having(phases=phases, cancel_on=None, cancel_reason=None, pause_on=None)
    return Brought(after, [told])


def _withdrawn(subscription: Subscription, by: UUID) -> Brought:
    if subscription.pending is None:
        return Brought(subscription, [])
    told = events.ChangeWithdrawn(subscription_id=subscription.id, by=by)
    return Brought(subscription.having(pending=None), [told])


def _changed_now(subscription: Subscription, terms: Terms, by: UUID) -> Brought:
    today, now = subscription.today, subscription.as_of
    phase: Phase = next_phase(subscription, terms, today, now)
    phases = (*subscription.with_last_phase_ended(today, now), phase)
    return Brought(subscription.having(phases=phases, pending=None), [changed_to(subscription, phase, by=by)])


def _change_scheduled(subscription: Subscription, terms: Terms, by: UUID) -> Brought:
    on = subscription.period_ends_on
    if on is None:
        raise ResumeFirst
    if subscription.pending is not None and subscription.pending.terms.same_as(terms):
        return Brought(subscription, [])
    scheduled = events.ChangeScheduled(
        subscription_id=subscription.id,
        plan_id=terms.plan_id,
        version=terms.version,
        seats=terms.seats,
        takes_effect_on=on,
        by=by,
    )
    pending = PendingChange(terms=terms, takes_effect_on=on)
    return Brought(subscription.having(pending=pending), [scheduled])


def _first_day_after(subscription: Subscription) -> date:
    """The day after today; of one that has not begun, its first day, so that it has none."""
    first_known = subscription.today
    if subscription.begins(subscription.starts_on) > subscription.as_of:
        return first_known
    return first_known + timedelta(days=1)
