"""Giving back what was paid."""

import hashlib
from datetime import datetime
from uuid import UUID

from billing.models import Operator
from billing.payments.errors import NotRefundable, RefundTooLarge, RequestKeyReused, UnknownPayment, UnknownRefund
from billing.payments.events import RefundRequested, of_refund
from billing.payments.models import IN_FLIGHT, REPEATABLE, Payment, PaymentStatus, Refund, RefundReason
from billing.payments.ports import Customers, Payments, Refunds
from billing.payments.provider import (
    PaymentProvider,
    ProviderRefused,
    ProviderUnavailable,
    RefundRequest,
    RefundState,
    RefundStatus,
)
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.observability import logger
from llmo_data.ports import AfterCommit, Events, Transaction


class Refunding:
    """Refunds payments, wholly or in part, and records refunds that were made in Stripe's dashboard."""

    def __init__(
        self,
        *,
        refunds: Refunds,
        payments: Payments,
        customers: Customers,
        provider: PaymentProvider,
        operator: Operator,
        events: Events,
        transaction: Transaction,
        after_commit: AfterCommit,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._refunds = refunds
        self._payments = payments
        self._customers = customers
        self._provider = provider
        self._operator = operator
        self._events = events
        self._transaction = transaction
        self._after_commit = after_commit
        self._clock = clock
        self._new_id = new_id

    async def refund(
        self,
        principal: Principal,
        payment_id: UUID,
        *,
        amount: int | None,
        reason: RefundReason,
        request_key: str | None = None,
    ) -> Refund:
        """Give back an amount in minor units, all that is left of it when none is named, of anybody's payment.

        It is pending when Stripe did not answer. Safe to retry with the same `request_key`: the refund that was made
        then is answered as it is now. Raises NotTheOperator, UnknownPayment, NotRefundable, RefundTooLarge,
        RequestKeyReused.
        """
        self._operator.require(principal)
        org_id = await self._payments.owner_of(payment_id)
        if org_id is None:
            raise UnknownPayment
        key = _digest(principal.actor_id, request_key) if request_key is not None else None
        async with self._transaction(org_id):
            payment = await self._locked(org_id, payment_id)
            kept = await self._refunds.of_payment(org_id, payment_id)
            repeated = next((each for each in kept if key is not None and each.request_key == key), None)
            if repeated is not None:
                if repeated.reason != reason or amount not in {None, repeated.amount}:
                    raise RequestKeyReused
                return repeated
            if payment.status is not PaymentStatus.SUCCEEDED:
                raise NotRefundable
            left = payment.amount - sum(each.amount for each in kept if each.stands)
            wanted = left if amount is None else amount
            if not 0 < wanted <= left or wanted % payment.currency.increment:
                raise RefundTooLarge
            refund = self._new(payment, wanted, reason=reason, created_by=principal.actor_id, request_key=key)
            await self._refunds.add(refund)
            asked = refund.model_dump(include={"payment_id", "amount", "currency"})
            requested = RefundRequested(refund_id=refund.id, **asked)
            await self._events.announce(requested, org_id=org_id, aggregate_id=payment_id)
            self._after_commit((self, refund.id), lambda: self._attempt_now(refund, payment))
        return await self._refunds.find(org_id, refund.id) or refund

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
            same = next(
                (each for each in kept if each.stripe_id == state.stripe_id or each.id == state.refund_id), None
            )
            if same is None:
                same = self._new(payment, state.amount)
                await self._refunds.add(same)
            await self._keep(same, same.following(state, self._clock.now()))

    async def reconcile(self, org_id: UUID, refund_id: UUID) -> Refund:
        """Find out what became of a refund that is to be checked by now; the refund as it is then. Safe to repeat.

        Raises UnknownRefund, ProviderUnavailable.
        """
        await self._reconcile(org_id, refund_id, self._clock.now())
        found = await self._refunds.find(org_id, refund_id)
        if found is None:
            raise UnknownRefund
        return found

    async def reconcile_due(self, limit: int) -> int:
        """Find out what became of at most so many refunds that are to be checked by now; how many there were."""
        now = self._clock.now()
        due = await self._refunds.due(now, limit)
        for org_id, refund_id in due:
            try:
                await self._reconcile(org_id, refund_id, now)
            except Exception:  # noqa: BLE001 - it stays due, and keeps no other from its turn
                logger().exception("refund not checked", extra={"refund_id": str(refund_id)})
        return len(due)

    async def _reconcile(self, org_id: UUID, refund_id: UUID, now: datetime) -> None:
        refund = await self._refunds.lease(org_id, refund_id, now=now, until=now + IN_FLIGHT)
        payment = await self._payments.find(org_id, refund.payment_id) if refund is not None else None
        if refund is not None and payment is not None:
            await self._checked(refund, payment)

    async def _checked(self, refund: Refund, payment: Payment) -> None:
        made = await self._provider.refunds_of(_intent_of(payment))
        state = next((each for each in made if each.refund_id == refund.id or each.stripe_id == refund.stripe_id), None)
        if state is not None:
            await self._record(refund, state)
        elif self._clock.now() - refund.created_at > REPEATABLE:
            await self._fail(refund, "abandoned")
        else:
            await self._attempt(refund, payment)

    async def _attempt_now(self, refund: Refund, payment: Payment) -> None:
        try:
            await self._attempt(refund, payment)
        except Exception:  # noqa: BLE001 - the refund is committed and stays pending: `reconcile_due` has it next
            logger().exception("refund left open", extra={"refund_id": str(refund.id)})

    async def _attempt(self, refund: Refund, payment: Payment) -> Refund:
        request = RefundRequest(
            refund_id=refund.id,
            org_id=refund.org_id,
            intent_id=_intent_of(payment),
            amount=refund.amount,
            reason=refund.reason or RefundReason.REQUESTED_BY_CUSTOMER,
        )
        try:
            return await self._record(refund, await self._provider.refund(request))
        except ProviderRefused as error:
            extra = {"refund_id": str(refund.id), "reason": error.reason, "detail": error.detail}
            logger().error("Stripe refused a refund", extra=extra)
            return await self._fail(refund, error.reason)
        except ProviderUnavailable as error:
            logger().warning("refund left open", extra={"refund_id": str(refund.id), "reason": error.detail})
            return refund

    async def _record(self, refund: Refund, state: RefundState) -> Refund:
        async with self._transaction(refund.org_id):
            current = await self._current(refund)
            return await self._keep(current, current.following(state, self._clock.now()))

    async def _fail(self, refund: Refund, failure_code: str) -> Refund:
        async with self._transaction(refund.org_id):
            current = await self._current(refund)
            if current.status is not RefundStatus.PENDING or current.stripe_id is not None:
                return current
            return await self._keep(current, current.failed(failure_code, self._clock.now()))

    async def _current(self, refund: Refund) -> Refund:
        """The refund as it is now; whoever changes one holds its payment."""
        await self._locked(refund.org_id, refund.payment_id)
        return await self._refunds.find(refund.org_id, refund.id) or refund

    async def _keep(self, before: Refund, after: Refund) -> Refund:
        if after == before:
            return before
        await self._refunds.change(after)
        event = of_refund(after) if after.status != before.status else None
        if event is not None:
            await self._events.announce(event, org_id=after.org_id, aggregate_id=after.payment_id)
        return after

    async def _locked(self, org_id: UUID, payment_id: UUID) -> Payment:
        found = await self._payments.locked(org_id, payment_id)
        if found is None:
            raise UnknownPayment
        return found

    def _new(
        self,
        payment: Payment,
        amount: int,
        *,
        reason: RefundReason | None = None,
        created_by: UUID | None = None,
        request_key: str | None = None,
    ) -> Refund:
        now = self._clock.now()
        return Refund(
            id=self._new_id(),
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


def _digest(actor_id: UUID, request_key: str) -> str:
    return hashlib.sha256(f"{actor_id} {request_key}".encode()).hexdigest()


def _intent_of(payment: Payment) -> str:
    if payment.stripe_id is None:
        raise RuntimeError("a payment that has succeeded has an intent")
    return payment.stripe_id
