"""What one can do with subscriptions."""

from collections.abc import Callable, Collection
from datetime import date, datetime, timedelta
from uuid import UUID

from billing.accounts.service import AccountService
from billing.catalogue.plans import PlanService
from billing.periods import day_of, midnight
from billing.subscriptions import changing
from billing.subscriptions.dates import Brought, as_of
from billing.subscriptions.errors import AlreadySubscribed, PlanNotOffered, UnknownSubscription, VersionNotOffered
from billing.subscriptions.keeping import Keeping
from billing.subscriptions.models import Phase, Subscription, Terms, When
from billing.subscriptions.ports import Subscriptions
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.paging import Page
from llmo_data.ports import Events, Transaction


class SubscriptionService:
    """Starts, changes, pauses, ends and shows subscriptions. Everything is as dates have it at the moment."""

    def __init__(
        self,
        *,
        subscriptions: Subscriptions,
        plans: PlanService,
        accounts: AccountService,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._subscriptions = subscriptions
        self._plans = plans
        self._accounts = accounts
        self._keeping = Keeping(subscriptions=subscriptions, events=events)
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Page[Subscription]:
        """The organization's, the newest first."""
        found = await self._subscriptions.page(org_id, before=before, limit=limit + 1)
        now = self._clock.now()
        return Page.of([as_of(subscription, now).subscription for subscription in found], limit)

    async def find(self, org_id: UUID, subscription_id: UUID) -> Subscription:
        """One of the organization's. Raises UnknownSubscription."""
        found = await self._subscriptions.find(org_id, subscription_id)
        if found is None:
            raise UnknownSubscription
        return as_of(found, self._clock.now()).subscription

    async def live(self, org_id: UUID) -> Subscription | None:
        """The organization's live one."""
        newest = await self._subscriptions.newest(org_id)
        if newest is None:
            return None
        found = as_of(newest, self._clock.now()).subscription
        return found if found.ended_at is None else None

    async def start(self, principal: Principal, plan_id: UUID, *, version: int | None, seats: int) -> Subscription:
        """Start the organization's only live subscription, today, by the newest version of a plan.

        The first one that an organization ever has begins with the plan's trial. Where another one has some of the
        day, the new one's first is the one after it, in the same zone. Not safe to retry: there is one then.
        Raises UnknownPlan, PlanNotOffered, VersionNotOffered, AlreadySubscribed.
        """
        terms = await self._offered(principal, plan_id, version, seats)
        org_id = principal.org_id
        async with self._transaction(org_id):
            account = await self._accounts.locked(org_id)  # two that start at once wait for each other here
            before = await self._ended_before(org_id)
            now = self._clock.now()
            zone, starts_on = _first_day(now, account.details.time_zone, before)
            trial_days = terms.definition.trial_days if before is None else 0
            phase = Phase(
                number=1,
                terms=terms,
                from_on=starts_on,
                begins_at=now,
                cycle_starts_on=starts_on + timedelta(days=trial_days),
            )
            made = Subscription(
                id=self._new_id(),
                org_id=org_id,
                time_zone=zone,
                starts_on=starts_on,
                trial_days=trial_days,
                phases=(phase,),
                as_of=now,
                created_by=principal.actor_id,
                created_at=now,
            )
            await self._subscriptions.add(made)
            await self._keeping.announce(changing.started(made))
        return made

    async def change(
        self,
        principal: Principal,
        subscription_id: UUID,
        *,
        plan_id: UUID | None,
        version: int | None,
        seats: int | None,
        when: When,
        expected: Collection[int] | None,
    ) -> Subscription:
        """Change the plan, its version, or the seats; None stays what it is.

        Another plan is had in its newest version, and one's own in the version that one has unless `version` says
        otherwise. Safe to repeat: what one has already is not changed again.
        Raises UnknownSubscription, ChangedMeanwhile, SubscriptionHasEnded, ResumeFirst, UnknownPlan, PlanNotOffered,
        VersionNotOffered, CurrenciesDiffer.
        """
        async with self._transaction(principal.org_id):
            kept, now_is = await self._live(principal.org_id, subscription_id, expected)
            present = now_is.subscription.phase.terms
            terms = await self._wanted(principal, present, plan_id=plan_id, version=version, seats=seats)
            return await self._keep(kept, now_is, lambda one: changing.changed(one, terms, when, by=principal.actor_id))

    async def proposed(
        self,
        principal: Principal,
        subscription_id: UUID,
        *,
        plan_id: UUID | None,
        version: int | None,
        seats: int | None,
        expected: Collection[int] | None,
    ) -> tuple[Subscription, Terms]:
        """A subscription as it is now, and the terms that a change would bring; nothing is changed.

        In a transaction nobody else changes it before the end. Raises as `change` does.
        """
        _, now_is = await self._live(principal.org_id, subscription_id, expected)
        present = now_is.subscription.phase.terms
        terms = await self._wanted(principal, present, plan_id=plan_id, version=version, seats=seats)
        return now_is.subscription, terms

    async def cancel(
        self,
        principal: Principal,
        subscription_id: UUID,
        *,
        when: When,
        reason: str | None,
        expected: Collection[int] | None,
    ) -> Subscription:
        """End it now, or with its period. See `changing.cancelled`.

        Raises UnknownSubscription, ChangedMeanwhile, SubscriptionHasEnded.
        """
        async with self._transaction(principal.org_id):
            kept, now_is = await self._locked(principal.org_id, subscription_id, expected)
            return await self._keep(
                kept, now_is, lambda one: changing.cancelled(one, when, reason, by=principal.actor_id)
            )

    async def pause(
        self, principal: Principal, subscription_id: UUID, *, expected: Collection[int] | None
    ) -> Subscription:
        """Pause it when its period ends. Safe to repeat.

        Raises UnknownSubscription, ChangedMeanwhile, SubscriptionHasEnded, CancellationScheduled.
        """
        async with self._transaction(principal.org_id):
            kept, now_is = await self._locked(principal.org_id, subscription_id, expected)
            return await self._keep(kept, now_is, lambda one: changing.paused(one, by=principal.actor_id))

    async def resume(
        self, principal: Principal, subscription_id: UUID, *, expected: Collection[int] | None
    ) -> Subscription:
        """Undo a cancellation or a pause that is to come, or end a pause today.

        Raises UnknownSubscription, ChangedMeanwhile, SubscriptionHasEnded, NothingToResume.
        """
        async with self._transaction(principal.org_id):
            kept, now_is = await self._locked(principal.org_id, subscription_id, expected)
            return await self._keep(kept, now_is, lambda one: changing.resumed(one, by=principal.actor_id))

    async def _wanted(
        self, principal: Principal, present: Terms, *, plan_id: UUID | None, version: int | None, seats: int | None
    ) -> Terms:
        """Other terms; what is None stays as it is."""
        wanted = present.seats if seats is None else seats
        if plan_id in {None, present.plan_id} and version in {None, present.version}:
            return present.model_copy(update={"seats": wanted})
        return await self._offered(principal, plan_id or present.plan_id, version, wanted)

    async def _offered(self, principal: Principal, plan_id: UUID, version: int | None, seats: int) -> Terms:
        plan = await self._plans.find(principal, plan_id)
        if not plan.offered:
            raise PlanNotOffered
        if version not in {None, plan.version.number}:
            raise VersionNotOffered
        return Terms(plan_id=plan.id, version=plan.version.number, definition=plan.version.definition, seats=seats)

    async def _ended_before(self, org_id: UUID) -> Subscription | None:
        """The subscription before the one to be started, with its end written down. Raises AlreadySubscribed."""
        newest = await self._subscriptions.newest(org_id)
        if newest is None or newest.ended_at is not None:
            return newest
        kept, now_is = await self._locked(org_id, newest.id, None)
        if now_is.subscription.ended_at is None:
            raise AlreadySubscribed(newest.id)
        return await self._keep(kept, now_is, lambda one: Brought(one, []))

    async def _live(
        self, org_id: UUID, subscription_id: UUID, expected: Collection[int] | None
    ) -> tuple[Subscription, Brought]:
        """The same as `_locked`. Raises SubscriptionHasEnded besides."""
        kept, now_is = await self._locked(org_id, subscription_id, expected)
        now_is.subscription.require_live()
        return kept, now_is

    async def _locked(
        self, org_id: UUID, subscription_id: UUID, expected: Collection[int] | None
    ) -> tuple[Subscription, Brought]:
        """A subscription as it is kept, and as it is now."""
        kept = await self._subscriptions.locked(org_id, subscription_id)
        if kept is None:
            raise UnknownSubscription
        now_is = as_of(kept, self._clock.now())
        now_is.subscription.require_revision(expected)
        return kept, now_is

    async def _keep(self, kept: Subscription, now_is: Brought, do: Callable[[Subscription], Brought]) -> Subscription:
        return await self._keeping.keep(kept, now_is, do(now_is.subscription))


def _first_day(now: datetime, zone: str, before: Subscription | None) -> tuple[str, date]:
    """The zone and the first day of a subscription that starts now, so that no moment is of two, nor of none.

    It is today in the account's zone, unless the subscription before has something of that day.
    """
    today = day_of(now, zone)
    if before is None or before.ended_on is None or before.begins(before.ended_on) <= midnight(today, zone):
        return zone, today
    return before.time_zone, before.ended_on
