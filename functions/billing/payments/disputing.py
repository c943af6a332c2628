"""Payments that banks take back."""

from billing.payments.events import of_dispute
from billing.payments.models import Dispute
from billing.payments.ports import Customers, Disputes, Payments, Reversal
from billing.payments.provider import DisputeState, PaymentProvider
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.observability import logger
from llmo_data.ports import Events, Transaction


class Disputing:
    """Records disputes. Evidence is given in Stripe's dashboard."""

    def __init__(
        self,
        *,
        disputes: Disputes,
        payments: Payments,
        customers: Customers,
        provider: PaymentProvider,
        reversal: Reversal,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._disputes = disputes
        self._payments = payments
        self._customers = customers
        self._provider = provider
        self._reversal = reversal
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def record(self, state: DisputeState) -> None:
        """Record a dispute as it is at Stripe. Safe to repeat, and in any order: one that is closed stays so."""
        intent = await self._provider.intent(state.intent_id) if state.intent_id is not None else None
        org_id = await self._customers.owner_of(intent.customer_id) if intent and intent.customer_id else None
        if intent is None or org_id is None or intent.payment_id is None:
            logger().info("dispute of nobody's", extra={"stripe_id": state.stripe_id})
            return
        async with self._transaction(org_id):
            payment = await self._payments.locked(org_id, intent.payment_id)
            if payment is None:
                logger().warning("dispute of no payment", extra={"stripe_id": state.stripe_id})
                return
            kept = await self._disputes.of_payment(org_id, payment.id)
            before = next((each for each in kept if each.stripe_id == state.stripe_id), None)
            now = self._clock.now()
            if before is None:
                before = Dispute(
                    id=self._new_id(),
                    org_id=org_id,
                    payment_id=payment.id,
                    **state.model_dump(exclude={"intent_id", "closed"}),
                )
                await self._disputes.add(before)
                await self._events.announce(of_dispute(before), org_id=org_id, aggregate_id=payment.id)
            after = before.following(state, now)
            if after == before:
                return
            await self._disputes.change(after)
            if after.lost:
                await self._reversal.lost(payment, after)
            if after.closed_at is not None:
                await self._events.announce(of_dispute(after), org_id=org_id, aggregate_id=payment.id)
