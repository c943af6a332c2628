"""Collecting what is owed, exactly once."""

from uuid import UUID

from billing.payments.errors import AlreadyPaid, AmountNotChargeable, NoPaymentMethod, PaymentUnderWay, UnknownMethod
from billing.payments.models import (
    AUTHENTICATED_WITHIN,
    IN_FLIGHT,
    REPEATABLE,
    Payment,
    PaymentMethod,
    PaymentStatus,
    Purpose,
)
from billing.payments.ports import Customers, Methods, Payments
from billing.payments.provider import (
    AuthenticationRequired,
    CardDeclined,
    ChargeRequest,
    Intent,
    IntentStatus,
    PaymentProvider,
    ProviderRefused,
    ProviderUnavailable,
)
from billing.payments.recording import Recording
from llmo_core.clock import Clock
from llmo_core.currencies import Currency
from llmo_core.ids import NewId
from llmo_core.observability import logger
from llmo_data.ports import AfterCommit, Transaction

_LARGEST_AMOUNT = 99_999_999  # https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts


class Charging:
    """Charges saved payment methods without the customer, and finds out what became of it."""

    def __init__(
        self,
        *,
        payments: Payments,
        methods: Methods,
        customers: Customers,
        provider: PaymentProvider,
        recording: Recording,
        transaction: Transaction,
        after_commit: AfterCommit,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._payments = payments
        self._methods = methods
        self._customers = customers
        self._provider = provider
        self._recording = recording
        self._transaction = transaction
        self._after_commit = after_commit
        self._clock = clock
        self._new_id = new_id

    async def charge(
        self, org_id: UUID, purpose: Purpose, *, amount: int, currency: Currency, method_id: UUID | None = None
    ) -> Payment:
        """Collect an amount in minor units for a purpose; the payment as it is then.

        Stripe is asked when the payment's row is committed and not before: in a transaction of the caller's, after
        its end, so that the payment is pending here. It may be so elsewhere too, when Stripe did not answer or a bank
        takes its time: a webhook or `reconcile` ends that. Safe to retry: what has succeeded is answered again, and
        what failed is tried anew, as the next attempt.
        Raises PaymentUnderWay, AlreadyPaid, NoPaymentMethod, UnknownMethod, AmountNotChargeable.
        """
        if not 0 < amount <= _LARGEST_AMOUNT or amount % currency.increment:
            raise AmountNotChargeable
        last = await self._payments.newest_for(org_id, purpose)
        if last is not None and not last.status.final:
            last = await self.reconcile(org_id, last.id)
        if last is not None and last.status is PaymentStatus.SUCCEEDED:
            if (last.amount, last.currency) != (amount, currency):
                raise AlreadyPaid
            return last
        if last is not None and not last.status.final:
            raise PaymentUnderWay
        now = self._clock.now()
        async with self._transaction(org_id):
            payment = Payment(
                id=self._new_id(),
                org_id=org_id,
                purpose=purpose,
                amount=amount,
                currency=currency,
                method_id=(await self._method(org_id, method_id)).id,
                attempt=last.attempt + 1 if last is not None else 1,
                next_check_at=now + IN_FLIGHT,
                created_at=now,
                updated_at=now,
            )
            await self._payments.add(payment)  # from its commit on nobody else charges for this
            self._after_commit((self, payment.id), lambda: self._attempt_now(payment))
        return await self._found(org_id, payment.id)

    async def reconcile(self, org_id: UUID, payment_id: UUID) -> Payment:
        """Find out at Stripe what became of a payment that is to be checked by now; the payment as it is then.

        A request whose answer got lost is found there by our id, or else made again under the same key. Safe to
        repeat, and at any time: one that another is asking for, or that is not due, stays as it is.
        """
        now = self._clock.now()
        payment = await self._payments.lease(org_id, payment_id, now=now, until=now + IN_FLIGHT)
        if payment is None:
            return await self._found(org_id, payment_id)
        try:
            return await self._checked(payment)
        except ProviderUnavailable as error:
            logger().warning("payment not checked", extra={"payment_id": str(payment.id), "reason": error.detail})
            return payment

    async def reconcile_due(self, limit: int) -> int:
        """Reconcile at most so many payments that are to be checked by now; how many there were."""
        due = await self._payments.due(self._clock.now(), limit)
        for org_id, payment_id in due:
            try:
                await self.reconcile(org_id, payment_id)
            except Exception:  # noqa: BLE001 - it stays due, and keeps no other from its turn
                logger().exception("payment not checked", extra={"payment_id": str(payment_id)})
        return len(due)

    async def cancel(self, org_id: UUID, purpose: Purpose) -> Payment | None:
        """Give up the payment that is under way for a purpose, when it can still be; the last one as it is then.

        Raises PaymentUnderWay while Stripe's answer to it is missing, ProviderUnavailable.
        """
        last = await self._payments.newest_for(org_id, purpose)
        if last is None or last.status.final:
            return last
        if last.stripe_id is None:
            raise PaymentUnderWay
        return await self._cancelled(last, last.stripe_id, failure_code=None)

    async def _checked(self, payment: Payment) -> Payment:
        age = self._clock.now() - payment.created_at
        if payment.stripe_id is not None:
            intent = await self._provider.intent(payment.stripe_id)
            if intent.status is IntentStatus.REQUIRES_ACTION and age > AUTHENTICATED_WITHIN:
                return await self._cancelled(payment, payment.stripe_id, failure_code="authentication_expired")
            return await self._recording.record(payment.org_id, payment.id, intent)
        request = await self._request(payment)
        found = await self._provider.find_intent(request.customer_id, payment.id, since=payment.created_at)
        if found is not None:
            return await self._recording.record(payment.org_id, payment.id, found)
        if age > REPEATABLE:
            return await self._recording.record_failure(payment.org_id, payment.id, "abandoned")
        return await self._attempt(payment)

    async def _attempt_now(self, payment: Payment) -> None:
        try:
            await self._attempt(payment)
        except Exception:  # noqa: BLE001 - the payment is committed and stays pending: `reconcile` has it next
            logger().exception("payment left open", extra={"payment_id": str(payment.id)})

    async def _attempt(self, payment: Payment) -> Payment:
        request = await self._request(payment)
        try:
            intent = await self._charged(request)
            return await self._recording.record(payment.org_id, payment.id, intent)
        except CardDeclined as error:
            return await self._recording.record_failure(payment.org_id, payment.id, error.decline_code)
        except ProviderRefused as error:
            extra = {"payment_id": str(payment.id), "reason": error.reason, "detail": error.detail}
            logger().error("Stripe refused a payment", extra=extra)
            return await self._recording.record_failure(payment.org_id, payment.id, error.reason)
        except ProviderUnavailable as error:
            logger().warning("payment left open", extra={"payment_id": str(payment.id), "reason": error.detail})
            return await self._found(payment.org_id, payment.id)

    async def _charged(self, request: ChargeRequest) -> Intent:
        """The intent that came of it, whatever it is. Raises CardDeclined when there is none."""
        try:
            return await self._provider.charge(request)
        except AuthenticationRequired as error:
            return error.intent
        except CardDeclined as error:
            if error.intent is None:
                raise
            return error.intent

    async def _cancelled(self, payment: Payment, intent_id: str, *, failure_code: str | None) -> Payment:
        try:
            intent = await self._provider.cancel(intent_id, key=f"{payment.id}-cancel")
        except ProviderRefused:  # it has ended in another way meanwhile
            intent = await self._provider.intent(intent_id)
        if failure_code is not None and intent.status is IntentStatus.CANCELLED:
            intent = intent.model_copy(update={"failure_code": failure_code})
        elif intent.status is IntentStatus.CANCELLED:
            intent = intent.model_copy(update={"failure_code": None})
        return await self._recording.record(payment.org_id, payment.id, intent)

    async def _request(self, payment: Payment) -> ChargeRequest:
        """What Stripe is asked for: the same at every attempt, because all of it follows from the row."""
        method = await self._methods.find(payment.org_id, payment.method_id)
        customer_id = await self._customers.find(payment.org_id)
        if method is None or customer_id is None:
            raise NoPaymentMethod
        return ChargeRequest(
            payment_id=payment.id,
            org_id=payment.org_id,
            customer_id=customer_id,
            method_id=method.stripe_id,
            method_kind=method.kind,
            amount=payment.amount,
            currency=payment.currency,
        )

    async def _method(self, org_id: UUID, method_id: UUID | None) -> PaymentMethod:
        if method_id is None:
            default = await self._methods.default(org_id)
            if default is None:
                raise NoPaymentMethod
            return default
        method = await self._methods.find(org_id, method_id)
        if method is None or method.detached_at is not None:
            raise UnknownMethod
        return method

    async def _found(self, org_id: UUID, payment_id: UUID) -> Payment:
        found = await self._payments.find(org_id, payment_id)
        if found is None:
            raise RuntimeError("a payment is gone, which nobody can delete")
        return found
