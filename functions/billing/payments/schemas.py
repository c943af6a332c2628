"""Bodies about payments and payment methods."""

from datetime import datetime
from typing import Annotated, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from billing.payments.models import (
    Dispute,
    Payment,
    PaymentMethod,
    PaymentStatus,
    PurposeKind,
    Refund,
    RefundReason,
)
from billing.payments.provider import RefundStatus, SetupState
from billing.payments.showing import PaymentDetails
from llmo_core.currencies import Currency
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after

_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_MINOR = Field(description="In minor units: cents of a currency that has them.", examples=[4900])


def _returnable(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("this is no URL") from error
    if not host or parts.username is not None or parts.password is not None:
        raise ValueError("the URL names a host, and no user")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        raise ValueError("the URL is https, or http on 127.0.0.1 or localhost")
    return url


type ReturnUrl = Annotated[
    str,
    StringConstraints(max_length=2000, pattern=r"^https?://[\x21-\x5b\x5d-\x7e]+$"),
    AfterValidator(_returnable),
    Field(examples=["https://app.example.com/billing"]),
]
"""Where a browser goes back to: https, or http on the machine itself."""


class MethodOut(Model):
    """A card, or another way to pay, that is saved. `default` says whether it is charged where no other is named."""

    id: UUID
    kind: Annotated[str, Field(description="Stripe's: `card`, `sepa_debit` and others.", examples=["card"])]
    brand: Annotated[str | None, Field(examples=["visa"])]
    last4: Annotated[str | None, Field(examples=["4242"])]
    exp_month: int | None
    exp_year: int | None
    default: bool
    created_at: datetime

    @classmethod
    def of(cls, method: PaymentMethod) -> Self:
        """Show a payment method."""
        shown = method.model_dump(include={*cls.model_fields} - {"default"})
        return cls(**shown, default=method.is_default)


class MethodPage(Model):
    """Some payment methods, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[MethodOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[PaymentMethod]) -> Self:
        """Show a page."""
        return cls(data=[MethodOut.of(method) for method in page.data], next_cursor=cursor_after(page.last))


class SetupOut(Model):
    """What Stripe.js saves a card with: `confirmCardSetup(client_secret)`."""

    id: Annotated[str, Field(examples=["seti_1PgafmB7WZ01zgkWm"])]
    client_secret: str
    publishable_key: str | None

    @classmethod
    def of(cls, setup: SetupState, publishable_key: str | None) -> Self:
        """Show a setup intent."""
        return cls(id=setup.stripe_id, client_secret=setup.client_secret, publishable_key=publishable_key)


class PaymentOut(Model):
    """An attempt to collect an amount for an invoice or a top-up."""

    id: UUID
    purpose_kind: PurposeKind
    purpose_id: UUID
    amount: Annotated[int, _MINOR]
    currency: Currency
    status: PaymentStatus
    failure_code: Annotated[
        str | None, Field(description="Why it failed: Stripe's decline code, say.", examples=["insufficient_funds"])
    ]
    attempt: int
    payment_method_id: UUID
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, payment: Payment) -> Self:
        """Show a payment."""
        return cls(**_payment(payment))


def _payment(payment: Payment) -> dict[str, object]:
    kept = {"id", "amount", "currency", "status", "failure_code", "attempt", "created_at", "updated_at"}
    return {
        **payment.model_dump(include=kept),
        "purpose_kind": payment.purpose.kind,
        "purpose_id": payment.purpose.id,
        "payment_method_id": payment.method_id,
    }


class RefundOut(Model):
    """What is given back of a payment."""

    id: UUID
    payment_id: UUID
    amount: Annotated[int, _MINOR]
    currency: Currency
    reason: Annotated[RefundReason | None, Field(description="Null of one that was made in Stripe's dashboard.")]
    status: RefundStatus
    failure_code: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, refund: Refund) -> Self:
        """Show a refund."""
        return cls(**refund.model_dump(include={*cls.model_fields}))


class DisputeOut(Model):
    """A payment that the customer's bank has taken back."""

    id: UUID
    amount: Annotated[int, _MINOR]
    currency: Currency
    reason: str
    status: Annotated[str, Field(description="Stripe's.", examples=["needs_response"])]
    opened_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, dispute: Dispute) -> Self:
        """Show a dispute."""
        return cls(**dispute.model_dump(include={*cls.model_fields}))


class PaymentDetailsOut(PaymentOut):
    """A payment with what became of it.

    `client_secret` is there while the customer has to authenticate it: `confirmCardPayment(client_secret)`.
    """

    client_secret: str | None
    refunds: list[RefundOut]
    disputes: list[DisputeOut]

    @classmethod
    def showing(cls, details: PaymentDetails) -> Self:
        """Show a payment with everything."""
        return cls.model_validate(
            {
                **_payment(details.payment),
                "client_secret": details.client_secret,
                "refunds": [RefundOut.of(refund) for refund in details.refunds],
                "disputes": [DisputeOut.of(dispute) for dispute in details.disputes],
            }
        )


class PaymentPage(Model):
    """Some payments, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[PaymentOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Payment]) -> Self:
        """Show a page."""
        return cls(data=[PaymentOut.of(payment) for payment in page.data], next_cursor=cursor_after(page.last))


class CreateRefund(Model):
    """What to give back."""

    amount: Annotated[
        int | None,
        Field(
            strict=True, gt=0, le=99_999_999, description="In minor units; null for all that is left.", examples=[900]
        ),
    ] = None
    reason: RefundReason = RefundReason.REQUESTED_BY_CUSTOMER


class CreateCheckoutSession(Model):
    """Where the page on which a card is saved goes back to."""

    success_url: ReturnUrl
    cancel_url: ReturnUrl


class CreatePortalSession(Model):
    """Where the billing portal goes back to."""

    return_url: ReturnUrl


class HostedPageOut(Model):
    """A page of Stripe's, for one customer and a short while."""

    url: Annotated[str, Field(examples=["https://checkout.stripe.com/c/pay/cs_test_a1"])]
