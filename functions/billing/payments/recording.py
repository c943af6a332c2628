"""What Stripe says of a payment becomes what we know of it."""

from uuid import UUID

from billing.payments.errors import UnknownPayment
from billing.payments.events import of_payment
from billing.payments.models import Payment
from billing.payments.ports import Payments, Settlement
from billing.payments.provider import Intent, IntentStatus, PaymentProvider, ProviderRefused
from llmo_core.clock import Clock
from llmo_core.observability import logger
from llmo_data.ports import Events, Transaction


class Recording:
    """Records the state of payments: once, forwards only, with its event and what it settles in one transaction."""

    def __init__(
        self,
        *,
        payments: Payments,
        provider: PaymentProvider,
        settlement: Settlement,
        events: Events,
        transaction: Transaction,
        clock: Clock,
    ) -> None:
        self._payments = payments
        self._provider = provider
        self._settlement = settlement
        self._events = events
        self._transaction = transaction
        self._clock = clock

    async def record(self, org_id: UUID, payment_id: UUID, intent: Intent) -> Payment:
        """Record the intent that Stripe has for a payment; the payment as it is then. Safe to repeat, in any order.

        What was declined is cancelled there before it is recorded as failed: whoever has its client secret could pay
        it with another card, beside the next attempt. Raises UnknownPayment, NotThisPayment, ProviderUnavailable.
        """
        final = await self._concluded(payment_id, intent) if intent.status is IntentStatus.DECLINED else intent
        async with self._transaction(org_id):
            before = await self._locked(org_id, payment_id)
            before.require_intent(final)
            if before.status.final and final.status is IntentStatus.SUCCEEDED and before.status != "succeeded":
                logger().error("a payment that had failed succeeded", extra={"payment_id": str(payment_id)})
            return await self._keep(before, before.following(final, self._clock.now()))

    async def record_failure(self, org_id: UUID, payment_id: UUID, failure_code: str) -> Payment:
        """Record that Stripe has no intent for a payment, and never will."""
        async with self._transaction(org_id):
            before = await self._locked(org_id, payment_id)
            if before.status.final or before.stripe_id is not None:
                return before
            return await self._keep(before, before.failed(failure_code, self._clock.now()))

    async def _concluded(self, payment_id: UUID, intent: Intent) -> Intent:
        try:
            cancelled = await self._provider.cancel(intent.stripe_id, key=f"{payment_id}-cancel")
        except ProviderRefused:  # it has ended in another way meanwhile
            return await self._provider.intent(intent.stripe_id)
        return cancelled.model_copy(update={"failure_code": cancelled.failure_code or intent.failure_code})

    async def _locked(self, org_id: UUID, payment_id: UUID) -> Payment:
        found = await self._payments.locked(org_id, payment_id)
        if found is None:
            raise UnknownPayment
        return found

    async def _keep(self, before: Payment, after: Payment) -> Payment:
        if after == before:
            return before
        await self._payments.change(after)
        if after.status != before.status:
            if after.status.final:
                await self._settlement.settled(after)
            event = of_payment(after)
            if event is not None:
                await self._events.announce(event, org_id=after.org_id, aggregate_id=after.id)
        return after
