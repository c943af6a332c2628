"""Stripe's objects in our words. Of each no more is read than what is here."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from billing.payments.provider import (
    CustomerState,
    DisputeState,
    Intent,
    IntentStatus,
    MethodState,
    NoSuchObject,
    RefundState,
    RefundStatus,
    SetupState,
)
from llmo_core.currencies import Currency

if TYPE_CHECKING:
    import stripe

AUTHENTICATION_REQUIRED: Final = "authentication_required"
"""The decline code of a payment that the customer has to authenticate: https://docs.stripe.com/declines/codes"""

_INTENT_STATUSES: Final = {
    "processing": IntentStatus.PROCESSING,
    "requires_capture": IntentStatus.PROCESSING,
    "requires_action": IntentStatus.REQUIRES_ACTION,
    "requires_confirmation": IntentStatus.REQUIRES_ACTION,
    "succeeded": IntentStatus.SUCCEEDED,
    "canceled": IntentStatus.CANCELLED,
}
_REFUND_STATUSES: Final = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.CANCELLED,
}
_CLOSED: Final = frozenset({"won", "lost", "warning_closed", "prevented"})


def intent_of(found: "stripe.PaymentIntent") -> Intent:
    """A payment. Raises NoSuchObject when it is in a currency that we bill nothing in."""
    fields = found.to_dict()
    failure = _failure(fields.get("last_payment_error") or {})
    metadata = fields.get("metadata") or {}
    return Intent(
        stripe_id=found.id,
        customer_id=_id(fields.get("customer")),
        org_id=_uuid(metadata.get("org_id")),
        payment_id=_uuid(metadata.get("payment_id")),
        amount=found.amount,
        currency=_currency(found.currency),
        status=_status(found.status, failure),
        failure_code=failure,
        client_secret=fields.get("client_secret"),
    )


def _status(status: str, failure: str | None) -> IntentStatus:
    """`requires_payment_method` is how a payment without the customer ends, declined or to be authenticated.

    https://docs.stripe.com/payments/save-and-reuse#charge-saved-payment-method
    """
    if status == "requires_payment_method":
        return IntentStatus.REQUIRES_ACTION if failure == AUTHENTICATION_REQUIRED else IntentStatus.DECLINED
    return _INTENT_STATUSES[status]


def _failure(error: Mapping[str, Any]) -> str | None:
    if error.get("code") == AUTHENTICATION_REQUIRED:
        return AUTHENTICATION_REQUIRED
    code: str | None = error.get("decline_code") or error.get("code")
    return code


def method_of(found: "stripe.PaymentMethod") -> MethodState:
    """A way to pay."""
    fields = found.to_dict()
    particulars = fields.get(found.type) or {}
    return MethodState(
        stripe_id=found.id,
        customer_id=_id(fields.get("customer")),
        kind=found.type,
        **{name: particulars.get(name) for name in ("brand", "last4", "exp_month", "exp_year")},
    )


def setup_of(found: "stripe.SetupIntent") -> SetupState:
    """A form; what was saved counts when it has succeeded."""
    fields = found.to_dict()
    return SetupState(
        stripe_id=found.id,
        customer_id=_id(fields.get("customer")),
        client_secret=found.client_secret or "",
        method_id=_id(fields.get("payment_method")) if found.status == "succeeded" else None,
    )


def customer_of(found: "stripe.Customer") -> CustomerState:
    """An organization; one that is deleted there has no default."""
    settings = found.to_dict().get("invoice_settings") or {}
    return CustomerState(stripe_id=found.id, default_method_id=_id(settings.get("default_payment_method")))


def refund_of(found: "stripe.Refund") -> RefundState:
    """A refund. Raises NoSuchObject as `intent_of` does."""
    fields = found.to_dict()
    return RefundState(
        stripe_id=found.id,
        intent_id=_id(fields.get("payment_intent")),
        refund_id=_uuid((fields.get("metadata") or {}).get("refund_id")),
        amount=found.amount,
        currency=_currency(found.currency),
        status=_REFUND_STATUSES[found.status or "pending"],
        failure_code=fields.get("failure_reason"),
    )


def dispute_of(found: "stripe.Dispute") -> DisputeState:
    """A dispute. Raises NoSuchObject as `intent_of` does."""
    fields = found.to_dict()
    return DisputeState(
        stripe_id=found.id,
        intent_id=_id(fields.get("payment_intent")),
        amount=found.amount,
        currency=_currency(found.currency),
        reason=found.reason,
        status=found.status,
        opened_at=datetime.fromtimestamp(found.created, UTC),
        closed=found.status in _CLOSED,
    )


def _id(reference: object) -> str | None:
    """What a field refers to, which is an id, or the object itself."""
    if isinstance(reference, dict):
        return str(reference["id"])
    return str(reference) if reference is not None else None


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _currency(code: str) -> Currency:
    try:
        return Currency(code.upper())
    except ValueError as error:
        raise NoSuchObject("unknown_currency", f"We bill nothing in {code}.") from error
