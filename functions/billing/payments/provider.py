"""What the use cases need of whoever moves the money, in no vendor's words.

Every change carries a key, which is made of an id of ours: repeated with the same key it happens once, for a day.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from pydantic import Field

from llmo_core.currencies import Currency
from llmo_core.errors import Conflict, LlmoError, Unavailable
from llmo_core.model import Model


class IntentStatus(StrEnum):
    """How far a payment is at the provider."""

    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CANCELLED = "cancelled"


class Intent(Model):
    """A payment at the provider.

    Attributes:
        org_id: What we noted there as its organization; None where we did not make it.
        payment_id: The same as its payment.
        amount: Minor units.
        failure_code: Why it was declined, before it was cancelled perhaps.
        client_secret: With which a browser goes on.
    """

    stripe_id: str
    customer_id: str | None
    org_id: UUID | None
    payment_id: UUID | None
    amount: int
    currency: Currency
    status: IntentStatus
    failure_code: str | None = None
    client_secret: str | None = Field(default=None, repr=False)


class ChargeRequest(Model):
    """What is to be collected without the customer. It is the same at every repetition."""

    payment_id: UUID
    org_id: UUID
    customer_id: str
    method_id: str
    method_kind: str
    amount: int
    currency: Currency


class MethodState(Model):
    """A way to pay, as it is at the provider. It belongs to nobody when it is detached."""

    stripe_id: str
    customer_id: str | None
    kind: str
    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None


class SetupState(Model):
    """A form in which a customer saves a way to pay.

    Attributes:
        method_id: What was saved; None as long as nothing is.
    """

    stripe_id: str
    customer_id: str | None
    client_secret: str = Field(repr=False)
    method_id: str | None


class CustomerState(Model):
    """An organization at the provider."""

    stripe_id: str
    default_method_id: str | None


class RefundStatus(StrEnum):
    """How far a refund is."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RefundRequest(Model):
    """What is to be given back."""

    refund_id: UUID
    org_id: UUID
    intent_id: str
    amount: int
    reason: str


class RefundState(Model):
    """A refund at the provider; `refund_id` is what we noted there."""

    stripe_id: str
    intent_id: str | None
    refund_id: UUID | None
    amount: int
    currency: Currency
    status: RefundStatus
    failure_code: str | None = None


class DisputeState(Model):
    """A dispute at the provider."""

    stripe_id: str
    intent_id: str | None
    amount: int
    currency: Currency
    reason: str
    status: str
    opened_at: datetime
    closed: bool


class CardDeclined(Conflict):
    """The card was declined.

    Attributes:
        decline_code: Why, in Stripe's words: https://docs.stripe.com/declines/codes
        intent: The payment as it is now; None where there is none.
    """

    def __init__(self, decline_code: str, intent: Intent | None = None) -> None:
        super().__init__(f"The card was declined: {decline_code}.")
        self.decline_code = decline_code
        self.intent = intent


class AuthenticationRequired(Conflict):
    """The customer has to authenticate the payment."""

    def __init__(self, intent: Intent) -> None:
        super().__init__()
        self.intent = intent


class ProviderUnavailable(Unavailable):
    """Stripe does not answer, or not now: what was asked for may have been done or not."""


class ProviderRefused(LlmoError):
    """Stripe refused what was asked for: nothing was done, and a repetition is refused as well.

    Attributes:
        reason: Stripe's code.
    """

    def __init__(self, reason: str, detail: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason


class NoSuchObject(ProviderRefused):
    """Stripe knows nothing by this id."""


class PaymentProvider(Protocol):
    """Moves money. Every method raises ProviderUnavailable and ProviderRefused; reading raises NoSuchObject."""

    async def create_customer(self, org_id: UUID) -> str:
        """The organization's id there; the same at every repetition, for a day."""
        ...

    async def customer(self, stripe_id: str) -> CustomerState:
        """An organization as it is now."""
        ...

    async def create_setup(self, customer_id: str, *, key: str) -> SetupState:
        """A form in which the customer saves a way to pay for later, without paying now."""
        ...

    async def setup(self, stripe_id: str) -> SetupState:
        """A form as it is now."""
        ...

    async def method(self, stripe_id: str) -> MethodState:
        """A way to pay as it is now."""
        ...

    async def set_default(self, customer_id: str, method_id: str, *, key: str) -> None:
        """Have hosted pages show it as the default."""
        ...

    async def detach(self, method_id: str, *, key: str) -> None:
        """Forget a way to pay. Done already, it is fine."""
        ...

    async def charge(self, request: ChargeRequest) -> Intent:
        """Collect an amount. Raises CardDeclined, AuthenticationRequired."""
        ...

    async def intent(self, stripe_id: str) -> Intent:
        """A payment as it is now."""
        ...

    async def find_intent(self, customer_id: str, payment_id: UUID, *, since: datetime) -> Intent | None:
        """The payment that was asked for under this id, whose answer got lost; None when it never arrived."""
        ...

    async def cancel(self, intent_id: str, *, key: str) -> Intent:
        """Let a payment never succeed. Raises ProviderRefused when it has."""
        ...

    async def refund(self, request: RefundRequest) -> RefundState:
        """Give something back."""
        ...

    async def refund_state(self, stripe_id: str) -> RefundState:
        """A refund as it is now."""
        ...

    async def refunds_of(self, intent_id: str) -> Sequence[RefundState]:
        """All refunds of a payment, the newest first."""
        ...

    async def dispute(self, stripe_id: str) -> DisputeState:
        """A dispute as it is now."""
        ...

    async def checkout(self, customer_id: str, *, success_url: str, cancel_url: str, key: str) -> str:
        """The URL of a page on which the customer saves a way to pay."""
        ...

    async def portal(self, customer_id: str, *, configuration: str | None, return_url: str, key: str) -> str:
        """The URL of a page on which the customer looks after what is saved."""
        ...
