"""What the use cases of payments need of the world around them, beside whoever moves the money (`provider`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing.fields import MinorUnits
from billing.payments.models import Dispute, Payment, PaymentMethod, Purpose, Refund
from llmo_core.currencies import Currency


class Settlement(Protocol):
    """What comes of a payment for whatever it pays for."""

    async def settled(self, payment: Payment) -> None:
        """A payment became final: it succeeded, failed, or was cancelled.

        It is called once for each payment, in the transaction that makes it so: what it raises undoes that, and it is
        tried again later.
        """
        ...


class Reversal(Protocol):
    """What comes of money that goes back, for whatever it had paid for.

    The payment is locked, and each is called in the transaction that makes it so: what it raises undoes that. A refund
    that a credit note makes is accounted for by the note, and not begun here.
    """

    async def refundable(self, payment: Payment) -> MinorUnits:
        """How much can go back without anything that was spent being given away."""
        ...

    async def begun(self, payment: Payment, refund: Refund) -> None:
        """There is a refund, which may be of more than is refundable where it was made in Stripe's dashboard."""
        ...

    async def refunded(self, payment: Payment, refund: Refund) -> None:
        """A refund has succeeded."""
        ...

    async def failed(self, payment: Payment, refund: Refund, *, after_success: bool) -> None:
        """A refund has failed; banks send back even what had succeeded."""
        ...

    async def lost(self, payment: Payment, dispute: Dispute) -> None:
        """The customer's bank keeps what it took back."""
        ...


class Charges(Protocol):
    """What collects money, for those who are paid."""

    async def charge(
        self, org_id: UUID, purpose: Purpose, *, amount: MinorUnits, currency: Currency, method_id: UUID | None = None
    ) -> Payment:
        """Collect an amount for a purpose, once; see billing.payments.charging.

        Raises PaymentUnderWay, AlreadyPaid, NoPaymentMethod, UnknownMethod, AmountNotChargeable.
        """
        ...


class Customers(Protocol):
    """Which customer of Stripe's an organization is."""

    async def find(self, org_id: UUID) -> str | None:
        """Its id there."""
        ...

    async def add(self, org_id: UUID, stripe_id: str, now: datetime) -> str:
        """Keep the id; the one that was kept before, if there is one."""
        ...

    async def owner_of(self, stripe_id: str) -> UUID | None:
        """Whose customer, or payment method, it is."""
        ...

    async def begin_session(self, session_id: UUID, org_id: UUID, *, kind: str, by: UUID, now: datetime) -> None:
        """Note that somebody is sent to a page or a form of Stripe's."""
        ...


class Methods(Protocol):
    """Where payment methods are kept."""

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[PaymentMethod]:
        """At most `limit` that are not detached, the newest first, older than the one with the id `before`."""
        ...

    async def find(self, org_id: UUID, method_id: UUID) -> PaymentMethod | None:
        """The one with this id, also when it is detached."""
        ...

    async def default(self, org_id: UUID) -> PaymentMethod | None:
        """The one that is charged where no other is named."""
        ...

    async def locked(self, org_id: UUID) -> Sequence[PaymentMethod]:
        """All, which nobody else adds to or changes before the end of the transaction under way."""
        ...

    async def add(self, method: PaymentMethod) -> None:
        """Keep a new one."""
        ...

    async def change(self, method: PaymentMethod) -> None:
        """Keep what has changed of one."""
        ...


class Payments(Protocol):
    """Where payments are kept."""

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Payment]:
        """At most `limit`, the newest first, older than the one with the id `before`."""
        ...

    async def find(self, org_id: UUID, payment_id: UUID) -> Payment | None:
        """The one with this id."""
        ...

    async def newest_for(self, org_id: UUID, purpose: Purpose) -> Payment | None:
        """The last attempt to pay for this."""
        ...

    async def locked(self, org_id: UUID, payment_id: UUID) -> Payment | None:
        """The same as `find`, which nobody else changes before the end of the transaction under way."""
        ...

    async def add(self, payment: Payment) -> None:
        """Keep a new one. Raises PaymentUnderWay when another of its purpose is open, or has succeeded."""
        ...

    async def change(self, payment: Payment) -> None:
        """Keep what has changed of one."""
        ...

    async def lease(self, org_id: UUID, payment_id: UUID, *, now: datetime, until: datetime) -> Payment | None:
        """Leave one that is to be checked to the caller alone until then; None when another has it, or it is final."""
        ...

    async def owner_of(self, payment_id: UUID) -> UUID | None:
        """Whose payment it is."""
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """Organization and id of payments that are to be checked, those first that wait for longest."""
        ...


class Refunds(Protocol):
    """Where refunds and disputes are kept."""

    async def of_payment(self, org_id: UUID, payment_id: UUID) -> Sequence[Refund]:
        """A payment's, the newest first."""
        ...

    async def find(self, org_id: UUID, refund_id: UUID) -> Refund | None:
        """The one with this id."""
        ...

    async def add(self, refund: Refund) -> None:
        """Keep a new one."""
        ...

    async def change(self, refund: Refund) -> None:
        """Keep what has changed of one."""
        ...

    async def lease(self, org_id: UUID, refund_id: UUID, *, now: datetime, until: datetime) -> Refund | None:
        """As of Payments."""
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """As of Payments."""
        ...


class Disputes(Protocol):
    """Where disputes are kept."""

    async def of_payment(self, org_id: UUID, payment_id: UUID) -> Sequence[Dispute]:
        """A payment's, the newest first."""
        ...

    async def add(self, dispute: Dispute) -> None:
        """Keep a new one."""
        ...

    async def change(self, dispute: Dispute) -> None:
        """Keep what has changed of one."""
        ...
