"""What is announced about payments."""

from uuid import UUID

from billing.payments.models import Dispute, Payment, PaymentMethod, PaymentStatus, PurposeKind, Refund
from llmo_messaging.envelope import Event


class PaymentSucceeded(Event, name="llmo.billing.payment.succeeded"):
    """An amount, in minor units, has been collected."""

    payment_id: UUID
    purpose_kind: PurposeKind
    purpose_id: UUID
    amount: int
    currency: str
    attempt: int


class PaymentFailed(Event, name="llmo.billing.payment.failed"):
    """An attempt to collect an amount has failed for good: the next one is another payment."""

    payment_id: UUID
    purpose_kind: PurposeKind
    purpose_id: UUID
    amount: int
    currency: str
    attempt: int
    failure_code: str


class PaymentCancelled(Event, name="llmo.billing.payment.cancelled"):
    """An amount is not collected after all."""

    payment_id: UUID
    purpose_kind: PurposeKind
    purpose_id: UUID
    amount: int
    currency: str
    attempt: int


class PaymentActionRequired(Event, name="llmo.billing.payment.action_required"):
    """The customer has to authenticate a payment: `GET /payments/{id}` says how."""

    payment_id: UUID
    purpose_kind: PurposeKind
    purpose_id: UUID
    amount: int
    currency: str
    attempt: int


class RefundRequested(Event, name="llmo.billing.refund.requested"):
    """An amount is to be given back."""

    refund_id: UUID
    payment_id: UUID
    amount: int
    currency: str


class RefundSucceeded(Event, name="llmo.billing.refund.succeeded"):
    """An amount has been given back."""

    refund_id: UUID
    payment_id: UUID
    amount: int
    currency: str


class RefundFailed(Event, name="llmo.billing.refund.failed"):
    """An amount could not be given back."""

    refund_id: UUID
    payment_id: UUID
    amount: int
    currency: str
    failure_code: str | None


class DisputeOpened(Event, name="llmo.billing.dispute.opened"):
    """The customer's bank takes a payment back."""

    dispute_id: UUID
    payment_id: UUID
    amount: int
    currency: str
    reason: str


class DisputeClosed(Event, name="llmo.billing.dispute.closed"):
    """It is decided whose the money is: `won`, `lost`, or another of Stripe's words."""

    dispute_id: UUID
    payment_id: UUID
    amount: int
    currency: str
    status: str


class MethodAttached(Event, name="llmo.billing.payment_method.attached"):
    """A way to pay has been saved."""

    method_id: UUID
    kind: str
    brand: str | None
    last4: str | None
    is_default: bool


class MethodDetached(Event, name="llmo.billing.payment_method.detached"):
    """A way to pay is gone."""

    method_id: UUID


type PaymentEvent = PaymentSucceeded | PaymentFailed | PaymentCancelled | PaymentActionRequired


def of_payment(payment: Payment) -> PaymentEvent | None:
    """What is announced of a payment that has come to where it is; nothing of one that is pending."""
    facts = {
        "payment_id": payment.id,
        "purpose_kind": payment.purpose.kind,
        "purpose_id": payment.purpose.id,
        "amount": payment.amount,
        "currency": payment.currency,
        "attempt": payment.attempt,
    }
    match payment.status:
        case PaymentStatus.SUCCEEDED:
            return PaymentSucceeded.model_validate(facts)
        case PaymentStatus.FAILED:
            return PaymentFailed.model_validate({**facts, "failure_code": payment.failure_code})
        case PaymentStatus.CANCELLED:
            return PaymentCancelled.model_validate(facts)
        case PaymentStatus.REQUIRES_ACTION:
            return PaymentActionRequired.model_validate(facts)
    return None


def of_refund(refund: Refund) -> RefundSucceeded | RefundFailed | None:
    """What is announced of a refund that has come to where it is."""
    facts = refund.model_dump(include={"payment_id", "amount", "currency"}) | {"refund_id": refund.id}
    if refund.status == "succeeded":
        return RefundSucceeded.model_validate(facts)
    if refund.status in {"failed", "cancelled"}:
        return RefundFailed.model_validate({**facts, "failure_code": refund.failure_code})
    return None


def of_dispute(dispute: Dispute) -> DisputeOpened | DisputeClosed:
    """What is announced of a dispute that is new, or decided."""
    facts = dispute.model_dump(include={"payment_id", "amount", "currency", "reason", "status"})
    kind = DisputeOpened if dispute.closed_at is None else DisputeClosed
    return kind.model_validate({**facts, "dispute_id": dispute.id})


def of_method(method: PaymentMethod) -> MethodAttached | MethodDetached:
    """What is announced of a payment method that is new, or gone."""
    if method.detached_at is not None:
        return MethodDetached(method_id=method.id)
    shown = method.model_dump(include={"kind", "brand", "last4", "is_default"})
    return MethodAttached.model_validate({**shown, "method_id": method.id})
