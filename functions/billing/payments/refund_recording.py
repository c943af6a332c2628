"""What Stripe says of a refund becomes what we know of it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from billing.payments.errors import UnknownPayment
from billing.payments.events import RefundRequested, of_refund
from billing.payments.models import IN_FLIGHT, Dispute, Payment, PaymentStatus, Refund, RefundReason
from billing.payments.ports import Customers, Disputes, Payments, Refunds, Reversal
from billing.payments.provider import PaymentProvider, RefundState, RefundStatus
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.observability import logger
from llmo_data.ports import Events, Transaction


class RefundRecording:
    """Records refunds, those too that were made in Stripe's dashboard, with what comes of them in one transaction."""

    def __init__(
        self,
        *,
        refunds: Refunds,
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
        self._refunds = refunds
        self._disputes = disputes
        self._payments = payments
        self._customers = customers
        self._provider = provider
        self._reversal = reversal
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def left_of(self, payment: Payment, refunds: Sequence[Refund]) -> int:
        """How much can go back of a payment with these refunds, and nothing that was spent be given away."""
        disputes = await self._disputes.of_payment(payment.org_id, payment.id)
        return min(left_of(payment, refunds, disputes), await self._reversal.refundable(payment))

    async def begun(self, payment: Payment, refund: Refund) -> None:
        """Let there be a refund, with what that takes back of what was paid for; in the transaction that adds it."""
        await self._reversal.begun(payment, refund)

    async def requested(self, refund: Refund) -> None:
        """Announce one of ours; in the transaction that adds it."""
        asked = refund.model_dump(include={"payment_id", "amount", "currency"})
        told = RefundRequested(refund_id=refund.id, **asked)
        await self._events.announce(told, org_id=refund.org_id, aggregate_id=refund.payment_id)

    async def record(self, state: RefundState) -> None:
        """Record a refund as it is at Stripe, also one that we did not make. Safe to repeat, and in any order."""
        intent = await self._provider.intent(state.intent_id) if state.intent_id is not None else None
        org_id = await self._customers.owner_of(intent.customer_id) if intent and intent.customer_id else None
        if intent is None or org_id is None or intent.payment_id is None:
            logger().info("refund of nobody's", extra={"stripe_id": state.stripe_id})
            return
        async with self._transaction(org_id):
            payment = await self._locked(org_id, intent.payment_id)
            kept = await self._refunds.of_payment(org_id, payment.id)
            same = _same(kept, state)
            if same is None:
                same = new_refund(self._new_id(), payment, state.amount, self._clock.now())
                await self._refunds.add(same)
                await self._reversal.begun(payment, same)
            await self._keep(payment, same, same.following(state, self._clock.now()))

    async def recorded(self, refund: Refund, state: RefundState) -> None:
        """Record one of ours as it is at Stripe."""
        async with self._transaction(refund.org_id):
            payment, current = await self._current(refund)
            await self._keep(payment, current, current.following(state, self._clock.now()))

    async def failed(self, refund: Refund, failure_code: str) -> None:
        """Record that Stripe did not make one of ours, and never will."""
        async with self._transaction(refund.org_id):
            payment, current = await self._current(refund)
            if current.status is RefundStatus.PENDING and current.stripe_id is None:
                await self._keep(payment, current, current.failed(failure_code, self._clock.now()))

    async def _current(self, refund: Refund) -> tuple[Payment, Refund]:
        """The refund as it is now, and its payment; whoever changes one holds its payment."""
        payment = await self._locked(refund.org_id, refund.payment_id)
        return payment, await self._refunds.find(refund.org_id, refund.id) or refund

    async def _keep(self, payment: Payment, before: Refund, after: Refund) -> None:
        if after == before:
            return
        await self._refunds.change(after)
        if after.status == before.status:
            return
        if after.status is RefundStatus.SUCCEEDED:
            await self._reversal.refunded(payment, after)
        elif not after.stands:
            after_success = before.status is RefundStatus.SUCCEEDED
            await self._reversal.failed(payment, after, after_success=after_success)
        event = of_refund(after)
        if event is not None:
            await self._events.announce(event, org_id=after.org_id, aggregate_id=after.payment_id)

    async def _locked(self, org_id: UUID, payment_id: UUID) -> Payment:
        found = await self._payments.locked(org_id, payment_id)
        if found is None:
            raise UnknownPayment
        return found


def new_refund(
    refund_id: UUID,
    payment: Payment,
    amount: int,
    now: datetime,
    *,
    reason: RefundReason | None = None,
    created_by: UUID | None = None,
    request_key: str | None = None,
) -> Refund:
    """A refund that is pending."""
    return Refund(
        id=refund_id,
        org_id=payment.org_id,
        payment_id=payment.id,
        amount=amount,
        currency=payment.currency,
        reason=reason,
        next_check_at=now + IN_FLIGHT,
        created_by=created_by,
        request_key=request_key,
        created_at=now,
        updated_at=now,
    )


def left_of(payment: Payment, refunds: Sequence[Refund], disputes: Sequence[Dispute]) -> int:
    """What is left of a payment that has succeeded: neither given back, nor claimed by the customer's bank."""
    if payment.status is not PaymentStatus.SUCCEEDED:
        return 0
    gone = sum(refund.amount for refund in refunds if refund.stands)
    return max(payment.amount - gone - sum(dispute.amount for dispute in disputes if dispute.claims), 0)


def _same(kept: Sequence[Refund], state: RefundState) -> Refund | None:
    return next((each for each in kept if each.stripe_id == state.stripe_id or each.id == state.refund_id), None)
