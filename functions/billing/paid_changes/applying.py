"""Charge for a change, and apply it or not: the steps of its flow."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from billing.models import ChangedMeanwhile
from billing.paid_changes.events import PaidChangeApplied, PaidChangeFailed
from billing.paid_changes.models import (
    ChangeFailed,
    ChangeStatus,
    NotPaidFor,
    PaidChange,
    UnknownChange,
    in_a_word,
)
from billing.paid_changes.ports import Charging, PaidChanges, Subscriptions, TopUpRequests, TopUps
from billing.payments.errors import PaymentUnderWay
from billing.payments.models import Purpose, PurposeKind
from billing.payments.provider import ProviderUnavailable
from billing.subscriptions import changing
from billing.subscriptions.dates import as_of
from billing.subscriptions.errors import UnknownSubscription
from billing.subscriptions.keeping import Keeping
from billing.subscriptions.models import When
from billing.wallets.models import TopUp, TopUpStatus
from llmo_core.clock import Clock
from llmo_core.observability import logger
from llmo_data.ports import Events, Transaction

NOT_CONFIRMED = "NotConfirmed"


type Cashier = Callable[[], Awaitable[Charging]]
"""Gives what charges payment methods; raises PaymentsNotConfigured."""


class PaidChangeSteps:
    """Does the steps. Each is safe to repeat, and raises UnknownChange.

    Args:
        cashier: Asked only where something is charged, or given up.
    """

    def __init__(
        self,
        *,
        changes: PaidChanges,
        subscriptions: Subscriptions,
        keeping: Keeping,
        requests: TopUpRequests,
        top_ups: TopUps,
        cashier: Cashier,
        events: Events,
        transaction: Transaction,
        clock: Clock,
    ) -> None:
        self._changes = changes
        self._subscriptions = subscriptions
        self._keeping = keeping
        self._requests = requests
        self._top_ups = top_ups
        self._cashier = cashier
        self._events = events
        self._transaction = transaction
        self._clock = clock

    async def charge(self, org_id: UUID, change_id: UUID) -> PaidChange:
        """Sell the credit that a change's invoice will take, once; the change as it is then.

        The top-up, its payment and the note of it are one commit, after which Stripe is asked.
        Raises UnchargeableAmount, NoPaymentMethod, AmountNotChargeable, PaymentsNotConfigured.
        """
        async with self._transaction(org_id):
            change = await self._locked(org_id, change_id)
            if change.status is not ChangeStatus.REQUESTED:
                return change
            top_up = await self._sold(change) if change.amount else None
            charged = change.charged(top_up.id if top_up is not None else None)
            await self._changes.change(charged)
        return charged

    async def top_up(self, org_id: UUID, change_id: UUID) -> tuple[PaidChange, TopUp]:
        """A change, and the credit that is bought for it. Raises ChangeFailed where there is none."""
        change = await self._changes.find(org_id, change_id)
        if change is None:
            raise UnknownChange
        top_up = await self._bought(change)
        if top_up is None:
            raise ChangeFailed
        return change, top_up

    async def apply(self, org_id: UUID, change_id: UUID) -> PaidChange:
        """Let a change take effect, now. Its invoice is then made as any other, and takes the credit.

        Raises ChangeFailed, NotPaidFor, ChangedMeanwhile when the subscription is another than the amount was computed
        for, SubscriptionHasEnded, ResumeFirst.
        """
        async with self._transaction(org_id):
            change = await self._locked(org_id, change_id)
            if change.status is ChangeStatus.APPLIED:
                return change
            if change.status is ChangeStatus.FAILED:
                raise ChangeFailed
            await self._require_paid(change)
            kept = await self._subscriptions.locked(org_id, change.subscription_id)
            if kept is None:
                raise UnknownSubscription
            now = self._clock.now()
            now_is = as_of(kept, now)
            if now_is.subscription.revision != change.revision:
                raise ChangedMeanwhile
            brought = changing.changed(now_is.subscription, change.terms, When.NOW, by=change.requested_by)
            await self._keeping.keep(kept, now_is, brought)
            applied = change.applied(now)
            await self._changes.change(applied)
            told = PaidChangeApplied(change_id=change.id, subscription_id=change.subscription_id)
            await self._events.announce(told, org_id=org_id, aggregate_id=change.subscription_id)
        return applied

    async def roll_back(self, org_id: UUID, change_id: UUID, error: str) -> PaidChange:
        """Let a change have no effect, because of an error; the change as it is then.

        What can still be paid is given up at Stripe first. One that was paid just then is left to be applied, when all
        that was wrong with it was that it was not paid. What was paid otherwise is, and stays, the customer's credit.
        """
        change = await self._changes.find(org_id, change_id)
        if change is None:
            raise UnknownChange
        if change.top_up_id is not None and not change.status.final:
            await self._give_up(org_id, change.top_up_id)
        async with self._transaction(org_id):
            change = await self._locked(org_id, change_id)
            top_up = await self._bought(change)
            paid = top_up is not None and top_up.status is TopUpStatus.SUCCEEDED
            if change.status.final or (paid and error == NOT_CONFIRMED):
                return change
            declined = top_up.failure if top_up is not None and error != NOT_CONFIRMED else None
            failed = change.failed(declined or in_a_word(error), self._clock.now())
            await self._changes.change(failed)
            told = PaidChangeFailed(
                change_id=change.id, subscription_id=change.subscription_id, failure=failed.failure or ""
            )
            await self._events.announce(told, org_id=org_id, aggregate_id=change.subscription_id)
        return failed

    async def _sold(self, change: PaidChange) -> TopUp:
        top_up = await self._requests.request_for(change.org_id, change.currency, change.amount, by=change.requested_by)
        purpose = Purpose(kind=PurposeKind.TOP_UP, id=top_up.id)
        await (await self._cashier()).charge(change.org_id, purpose, amount=change.amount, currency=change.currency)
        return top_up

    async def _give_up(self, org_id: UUID, top_up_id: UUID) -> None:
        try:
            await (await self._cashier()).cancel(org_id, Purpose(kind=PurposeKind.TOP_UP, id=top_up_id))
        except (PaymentUnderWay, ProviderUnavailable) as error:  # should it succeed after all, it becomes credit
            told = {"top_up_id": str(top_up_id), "reason": error.code}
            logger().warning("a payment could not be given up", extra=told)

    async def _require_paid(self, change: PaidChange) -> None:
        top_up = await self._bought(change)
        if change.amount and (top_up is None or top_up.status is not TopUpStatus.SUCCEEDED):
            raise NotPaidFor

    async def _bought(self, change: PaidChange) -> TopUp | None:
        return await self._top_ups.find(change.org_id, change.top_up_id) if change.top_up_id is not None else None

    async def _locked(self, org_id: UUID, change_id: UUID) -> PaidChange:
        found = await self._changes.locked(org_id, change_id)
        if found is None:
            raise UnknownChange
        return found
