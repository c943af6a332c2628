"""Ask for a change that takes effect once it is paid for, and look at it."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from billing.invoicing.computing import Credit, compute
from billing.paid_changes.events import PaidChangeRequested
from billing.paid_changes.models import NothingToPayNow, PaidChange, UnknownChange
from billing.paid_changes.ports import Billing, Credits, PaidChanges
from billing.subscriptions import changing
from billing.subscriptions.models import Subscription, When
from billing.subscriptions.service import SubscriptionService
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Events, Transaction


class PaidChangeService:
    """Takes requests for changes, and shows them.

    Args:
        within: How long a change may take to be paid.
    """

    def __init__(
        self,
        *,
        changes: PaidChanges,
        subscriptions: SubscriptionService,
        billing: Billing,
        credits_: Credits,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
        within: timedelta,
    ) -> None:
        self._changes = changes
        self._subscriptions = subscriptions
        self._billing = billing
        self._credits = credits_
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id
        self._within = within

    async def find(self, principal: Principal, subscription_id: UUID, change_id: UUID) -> PaidChange:
        """One of the organization's. Raises UnknownChange."""
        found = await self._changes.find(principal.org_id, change_id)
        if found is None or found.subscription_id != subscription_id:
            raise UnknownChange
        return found

    async def request(
        self,
        principal: Principal,
        subscription_id: UUID,
        *,
        plan_id: UUID | None,
        version: int | None,
        seats: int | None,
        when: When,
        expected: Collection[int] | None,
    ) -> PaidChange:
        """Ask for a change that takes effect now, once it is paid: by what its invoice would leave to pay.

        Nothing is charged here; a flow does all that. Of two that are asked for at once, one is refused. Raises what
        changing at once raises, and NothingToPayNow, ChangeUnderWay.
        """
        async with self._transaction(principal.org_id):
            subscription, terms = await self._subscriptions.proposed(
                principal, subscription_id, plan_id=plan_id, version=version, seats=seats, expected=expected
            )
            after = changing.changed(subscription, terms, when, by=principal.actor_id).subscription
            if after.phase.number == subscription.phase.number:
                raise NothingToPayNow
            now = self._clock.now()
            change = PaidChange(
                id=self._new_id(),
                org_id=principal.org_id,
                subscription_id=subscription_id,
                revision=subscription.revision,
                terms=terms,
                currency=terms.definition.currency,
                amount=await self._amount(after),
                requested_by=principal.actor_id,
                requested_at=now,
                expires_at=now + self._within,
            )
            await self._changes.add(change)
            requested = PaidChangeRequested(
                change_id=change.id,
                subscription_id=subscription_id,
                plan_id=terms.plan_id,
                version=terms.version,
                seats=terms.seats,
                currency=change.currency,
                amount=change.amount,
            )
            await self._events.announce(requested, org_id=principal.org_id, aggregate_id=subscription_id)
        return change

    async def _amount(self, after: Subscription) -> int:
        """What an invoice leaves to pay that is made of the changed subscription now."""
        currency = after.phase.terms.definition.currency
        items = await self._billing.due(after, self._clock.now())
        left = [
            Credit(id=str(grant.id), available=grant.remaining)
            for grant in await self._credits.spendable(after.org_id, currency)
        ]
        return compute(currency, items, left).amount_due
