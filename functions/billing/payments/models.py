"""Payments, payment methods, refunds and disputes."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

from billing.fields import MinorUnits
from billing.payments.errors import NotThisPayment
from billing.payments.provider import DisputeState, Intent, IntentStatus, MethodState, RefundState, RefundStatus
from llmo_core.currencies import Currency
from llmo_core.model import Model

IN_FLIGHT = timedelta(minutes=2)
"""How long a payment is left to whoever asks Stripe for it: longer than all its attempts may take."""
RECHECKED = timedelta(minutes=15)
"""After how long Stripe is asked again of what is under way there, should no webhook tell."""
REPEATABLE = timedelta(hours=23)
"""How long a request is safely repeated: Stripe forgets keys after a day at the earliest.

https://docs.stripe.com/api/idempotent_requests
"""
AUTHENTICATED_WITHIN = timedelta(hours=23)
"""How long a customer has to authenticate a payment."""


class PurposeKind(StrEnum):
    """What is paid for."""

    INVOICE = "invoice"
    TOP_UP = "top_up"


class Purpose(Model):
    """What is paid for; of each there is one payment that succeeds, at most."""

    kind: PurposeKind
    id: UUID


class PaymentStatus(StrEnum):
    """How far a payment is; the last three are final."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing changes any more."""
        return self not in {PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION}


class Payment(Model):
    """An attempt to collect an amount.

    Attributes:
        amount: In minor units, more than none.
        attempt: 1, 2, 3 and so on, of its purpose.
        stripe_id: Of the payment intent; None as long as Stripe's answer has not arrived.
        failure_code: Why it failed, Stripe's decline code where a bank refused.
        next_check_at: When Stripe is asked for it again; None when it is final.
    """

    id: UUID
    org_id: UUID
    purpose: Purpose
    amount: MinorUnits
    currency: Currency
    method_id: UUID
    attempt: int
    status: PaymentStatus = PaymentStatus.PENDING
    stripe_id: str | None = None
    failure_code: str | None = None
    next_check_at: datetime | None
    created_at: datetime
    updated_at: datetime

    def require_intent(self, intent: Intent) -> None:
        """Raise NotThisPayment unless the intent collects this amount for this payment."""
        mine = (self.id, self.amount, self.currency, self.stripe_id or intent.stripe_id)
        if (intent.payment_id, intent.amount, intent.currency, intent.stripe_id) != mine:
            raise NotThisPayment

    def following(self, intent: Intent, now: datetime) -> Self:
        """The payment as Stripe's intent has it now; the same when it is final, or where that is behind it."""
        status = _STATUSES[intent.status]
        if intent.status is IntentStatus.CANCELLED and intent.failure_code is not None:
            status = PaymentStatus.FAILED
        if self.status.final or (status is PaymentStatus.PENDING and self.stripe_id is not None):
            return self
        failure = (intent.failure_code or "declined") if status is PaymentStatus.FAILED else None
        return self._changed(now, status=status, stripe_id=intent.stripe_id, failure_code=failure)

    def failed(self, failure_code: str, now: datetime) -> Self:
        """The payment, when Stripe has no intent for it and never will."""
        return self._changed(now, status=PaymentStatus.FAILED, failure_code=failure_code)

    def _changed(self, now: datetime, *, status: PaymentStatus, **changes: object) -> Self:
        check = None if status.final else now + RECHECKED
        return self.model_copy(update={"status": status, "next_check_at": check, "updated_at": now, **changes})


_STATUSES = {
    IntentStatus.PROCESSING: PaymentStatus.PENDING,
    IntentStatus.REQUIRES_ACTION: PaymentStatus.REQUIRES_ACTION,
    IntentStatus.SUCCEEDED: PaymentStatus.SUCCEEDED,
    IntentStatus.DECLINED: PaymentStatus.FAILED,
    IntentStatus.CANCELLED: PaymentStatus.CANCELLED,
}


class PaymentMethod(Model):
    """A card, or another way to pay, that an organization has saved.

    Attributes:
        kind: Stripe's: `card`, `sepa_debit` and others.
        is_default: Whether it is charged where no other is named.
        revision: 1, and one more with each change that Stripe is told of.
        detached_at: Since when it cannot be charged.
    """

    id: UUID
    org_id: UUID
    stripe_id: str
    kind: str
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None
    is_default: bool
    revision: int = 1
    created_at: datetime
    detached_at: datetime | None = None

    def following(self, state: MethodState) -> Self:
        """The same with the particulars that it has at Stripe: cards are renewed there."""
        return self.model_copy(update=state.model_dump(include={"brand", "last4", "exp_month", "exp_year"}))


class RefundReason(StrEnum):
    """Why money is given back, in Stripe's words."""

    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    REQUESTED_BY_CUSTOMER = "requested_by_customer"


class Refund(Model):
    """What is given back of a payment.

    Attributes:
        reason: Why; None of refunds that were made in Stripe's dashboard.
        created_by: One of the operator's; None likewise.
        request_key: Digest of the key under which it was asked for; None without one.
    """

    id: UUID
    org_id: UUID
    payment_id: UUID
    amount: MinorUnits
    currency: Currency
    reason: RefundReason | None
    status: RefundStatus = RefundStatus.PENDING
    stripe_id: str | None = None
    failure_code: str | None = None
    next_check_at: datetime | None
    created_by: UUID | None
    request_key: str | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def stands(self) -> bool:
        """Whether its amount is given back, or about to be."""
        return self.status in {RefundStatus.PENDING, RefundStatus.SUCCEEDED}

    def following(self, state: RefundState, now: datetime) -> Self:
        """The refund as it is at Stripe. A bank may send back what had succeeded; what failed stays so."""
        if self.status in {RefundStatus.FAILED, RefundStatus.CANCELLED}:
            return self
        if self.status is RefundStatus.SUCCEEDED and state.status is RefundStatus.PENDING:
            return self
        check = now + RECHECKED if state.status is RefundStatus.PENDING else None
        changes = {"status": state.status, "stripe_id": state.stripe_id, "failure_code": state.failure_code}
        if {name: getattr(self, name) for name in changes} == changes and (self.next_check_at is None) == (
            check is None
        ):
            return self
        return self.model_copy(update={**changes, "next_check_at": check, "updated_at": now})

    def failed(self, failure_code: str, now: datetime) -> Self:
        """The refund, when Stripe refused it."""
        changes = {"status": RefundStatus.FAILED, "failure_code": failure_code}
        return self.model_copy(update={**changes, "next_check_at": None, "updated_at": now})


class Dispute(Model):
    """A payment that the customer's bank takes back until it is decided whose the money is.

    Attributes:
        status: Stripe's: `needs_response`, `under_review`, `won`, `lost` and others.
        closed_at: When we learned that it is decided.
    """

    id: UUID
    org_id: UUID
    payment_id: UUID
    stripe_id: str
    amount: MinorUnits
    currency: Currency
    reason: str
    status: str
    opened_at: datetime
    closed_at: datetime | None = None

    @property
    def claims(self) -> bool:
        """Whether the bank has the money, or asks for it: not of mere inquiries, nor of what is decided for us."""
        return self.status not in _NO_CLAIM

    @property
    def lost(self) -> bool:
        """Whether the bank keeps the money."""
        return self.status == "lost"

    def following(self, state: DisputeState, now: datetime) -> Self:
        """The dispute as it is at Stripe; one that is decided stays so."""
        if self.closed_at is not None:
            return self
        closed = now if state.closed else None
        return self.model_copy(update={"status": state.status, "amount": state.amount, "closed_at": closed})


# https://docs.stripe.com/api/disputes/object#dispute_object-status
_NO_CLAIM = frozenset({"won", "prevented", "warning_needs_response", "warning_under_review", "warning_closed"})
