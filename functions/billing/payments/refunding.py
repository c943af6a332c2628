"""Giving back what was paid."""

from datetime import datetime
from uuid import UUID

from billing.models import Operator, request_digest
from billing.payments.errors import NotRefundable, RefundTooLarge, RequestKeyReused, UnknownPayment, UnknownRefund
from billing.payments.models import IN_FLIGHT, REPEATABLE, Payment, PaymentStatus, Refund, RefundReason
from billing.payments.ports import Payments, Refunds
from billing.payments.provider import PaymentProvider, ProviderRefused, ProviderUnavailable, RefundRequest
from billing.payments.refund_recording import RefundRecording, new_refund
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.observability import logger
from llmo_data.ports import AfterCommit, Transaction


class Refunding:
    """Refunds payments, wholly or in part."""

    def __init__(
        self,
        *,
        refunds: Refunds,
        payments: Payments,
        provider: PaymentProvider,
        recording: RefundRecording,
        operator: Operator,
        transaction: Transaction,
        after_commit: AfterCommit,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._refunds = refunds
        self._payments = payments
        self._provider = provider
        self._recording = recording
        self._operator = operator
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
        """The same as `refund_of` for one of the operator's, of anybody's payment. Raises NotTheOperator besides."""
        self._operator.require(principal)
        org_id = await self._payments.owner_of(payment_id)
        if org_id is None:
            raise UnknownPayment
        return await self.refund_of(
            org_id, payment_id, amount=amount, reason=reason, created_by=principal.actor_id, request_key=request_key
        )

    async def refund_of(
        self,
        org_id: UUID,
        payment_id: UUID,
        *,
        amount: int | None,
        reason: RefundReason,
        created_by: UUID | None = None,
        request_key: str | None = None,
    ) -> Refund:
        """Give back an amount in minor units of an organization's payment, all that is left of it when none is named.

        What it had paid for stays paid, and credit that it had bought is taken back. The refund is pending when Stripe
        did not answer. Safe to retry with the same `request_key`: the refund that was made then is answered as it is
        now. Raises UnknownPayment, NotRefundable, RefundTooLarge, RequestKeyReused.
        """
        key = request_digest(created_by, request_key) if request_key is not None else None
        async with self._transaction(org_id):
            payment = await self._payments.locked(org_id, payment_id)
            if payment is None:
                raise UnknownPayment
            kept = await self._refunds.of_payment(org_id, payment_id)
            repeated = next((each for each in kept if key is not None and each.request_key == key), None)
            if repeated is not None:
                if repeated.reason != reason or amount not in {None, repeated.amount}:
                    raise RequestKeyReused
                return repeated
            if payment.status is not PaymentStatus.SUCCEEDED:
                raise NotRefundable
            left = await self._recording.left_of(payment, kept)
            wanted = left if amount is None else amount
            if not 0 < wanted <= left or wanted % payment.currency.increment:
                raise RefundTooLarge
            refund = new_refund(
                self._new_id(),
                payment,
                wanted,
                self._clock.now(),
                reason=reason,
                created_by=created_by,
                request_key=key,
            )
            await self.give_back(payment, refund)
            await self._recording.begun(payment, refund)
        return await self._refunds.find(org_id, refund.id) or refund

    async def give_back(self, payment: Payment, refund: Refund) -> None:
        """Have a refund made once the transaction under way is committed, by whoever has locked its payment.

        What it is for is the caller's to say: nothing is taken back for it here.
        """
        await self._refunds.add(refund)
        await self._recording.requested(refund)
        self._after_commit((self, refund.id), lambda: self._attempt_now(refund, payment))

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
            await self._recording.recorded(refund, state)
        elif self._clock.now() - refund.created_at > REPEATABLE:
            await self._recording.failed(refund, "abandoned")
        else:
            await self._attempt(refund, payment)

    async def _attempt_now(self, refund: Refund, payment: Payment) -> None:
        try:
            await self._attempt(refund, payment)
        except Exception:  # noqa: BLE001 - the refund is committed and stays pending: `reconcile_due` has it next
            logger().exception("refund left open", extra={"refund_id": str(refund.id)})

    async def _attempt(self, refund: Refund, payment: Payment) -> None:
        request = RefundRequest(
            refund_id=refund.id,
            org_id=refund.org_id,
            intent_id=_intent_of(payment),
            amount=refund.amount,
            reason=refund.reason or RefundReason.REQUESTED_BY_CUSTOMER,
        )
        try:
            await self._recording.recorded(refund, await self._provider.refund(request))
        except ProviderRefused as error:
            extra = {"refund_id": str(refund.id), "reason": error.reason, "detail": error.detail}
            logger().error("Stripe refused a refund", extra=extra)
            await self._recording.failed(refund, error.reason)
        except ProviderUnavailable as error:
            logger().warning("refund left open", extra={"refund_id": str(refund.id), "reason": error.detail})


def _intent_of(payment: Payment) -> str:
    if payment.stripe_id is None:
        raise RuntimeError("a payment that has succeeded has an intent")
    return payment.stripe_id
