"""What the use cases of invoices need of the world around them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol
from uuid import UUID

from billing.accounts.models import Account
from billing.fields import MinorUnits
from billing.invoices.claims import ClaimKey
from billing.invoices.models import Invoice, InvoiceStatus
from billing.invoicing.recurring import Recurring
from billing.ledger.bookings import Booking
from billing.periods import Period
from billing.subscriptions.models import Subscription
from billing.wallets.credits import NewGrant
from billing.wallets.models import Grant
from llmo_core.currencies import Currency


class Billable(NamedTuple):
    """A subscription that may have something to be invoiced."""

    org_id: UUID
    subscription_id: UUID


class BilledUsage(NamedTuple):
    """What a charge's meter had counted in a stretch when it was put on an invoice."""

    stretch: Period
    charge: str
    quantity: Decimal


class Invoices(Protocol):
    """Where invoices are kept."""

    async def page(
        self, org_id: UUID, *, statuses: Collection[InvoiceStatus], before: UUID | None, limit: int
    ) -> Sequence[Invoice]:
        """At most `limit` invoices in one of these statuses, the newest first, older than the one with this id."""
        ...

    async def find(self, org_id: UUID, invoice_id: UUID) -> Invoice | None:
        """The one with this id."""
        ...

    async def locked(self, org_id: UUID, invoice_id: UUID) -> Invoice | None:
        """The same, which nobody else changes before the transaction under way ends."""
        ...

    async def add(self, invoice: Invoice) -> None:
        """Keep a draft."""
        ...

    async def change(self, invoice: Invoice) -> None:
        """Keep what has changed of one."""
        ...

    async def found_overdue(self, org_id: UUID, invoice_id: UUID, *, at: datetime) -> bool:
        """Note that one is overdue; False where that is noted already."""
        ...

    async def keep_recurring(self, invoice: Invoice, amounts: Sequence[Recurring]) -> None:
        """Keep what recurs of one, in the transaction that finalizes it."""
        ...

    async def next_sequence(self, org_id: UUID) -> int:
        """The organization's next number. Whoever else wants one waits until the transaction under way has ended."""
        ...


class Claims(Protocol):
    """Which claims are on invoices, and what usage they were billed for."""

    async def claimed(self, org_id: UUID, subscription_id: UUID) -> Collection[ClaimKey]:
        """Those that are on an invoice."""
        ...

    async def claim(self, invoice: Invoice, keys: Iterable[ClaimKey], usage: Iterable[BilledUsage]) -> None:
        """Put claims on an invoice, with the usage that it bills."""
        ...

    async def billed(self, org_id: UUID, subscription_id: UUID, period: Period) -> Sequence[BilledUsage]:
        """What the stretches of a period were billed for the last time."""
        ...


class Schedule(Protocol):
    """When subscriptions are to be looked at again."""

    async def due(self, *, now: datetime, besides: Collection[UUID], limit: int) -> Sequence[Billable]:
        """At most `limit` of all organizations' subscriptions that have changed, or of which something is due."""
        ...

    async def looked_at(self, subscription: Subscription, *, bills_at: datetime | None) -> None:
        """A subscription was looked at as it is; it is to be looked at again then, or when it has changed."""
        ...

    async def overdue(self, *, now: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """At most `limit` invoices of all organizations that are overdue and not dunned, by organization and id."""
        ...

    async def left_drafts(self, *, before: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """At most `limit` drafts of all organizations that were made before, by organization and id."""
        ...


class Subscriptions(Protocol):
    """Where subscriptions are kept."""

    async def locked(self, org_id: UUID, subscription_id: UUID) -> Subscription | None:
        """The one with this id for the transaction under way, before the end of which nobody else changes it."""
        ...

    async def newest(self, org_id: UUID) -> Subscription | None:
        """The one that started last, which is the live one if there is any."""
        ...


class Accounts(Protocol):
    """Where accounts are kept."""

    async def find(self, org_id: UUID) -> Account | None:
        """An organization's."""
        ...


class CountedUsage(Protocol):
    """What meters have counted."""

    async def quantities(self, org_id: UUID, codes: Collection[str], period: Period) -> Mapping[str, Decimal]:
        """What each of these meters counted in a period, by its code."""
        ...


class Credits(Protocol):
    """The credit of organizations."""

    async def spendable(self, org_id: UUID, currency: Currency) -> Sequence[Grant]:
        """What can be spent, in the order in which it is; nobody else spends of it before the transaction ends."""
        ...

    async def spend(
        self, org_id: UUID, currency: Currency, *, invoice_id: UUID, amounts: Mapping[UUID, MinorUnits]
    ) -> object:
        """Let an invoice take so much of these grants, once."""
        ...

    async def restore(
        self, org_id: UUID, currency: Currency, *, invoice_id: UUID, amounts: Mapping[UUID, MinorUnits]
    ) -> None:
        """Give back what an invoice took that is void, once."""
        ...

    async def grant(self, org_id: UUID, currency: Currency, new: NewGrant, booking: Booking) -> Grant | None:
        """Grant credit; None where it was granted before."""
        ...


class Withdrawals(Protocol):
    """Gives up charges that are under way."""

    async def withdraw(self, org_id: UUID, invoice_id: UUID) -> None:
        """Cancel the charge under way for an invoice, where there is one and it still can be. Never raises."""
        ...


class Ledger(Protocol):
    """Where everything is booked."""

    async def book(self, org_id: UUID, booking: Booking, *, at: datetime) -> bool:
        """Book something in the transaction under way; False, and nothing, where it is booked already."""
        ...


class Settled(Protocol):
    """Who is told that nothing more is expected of an invoice."""

    async def settled(self, invoice: Invoice) -> None:
        """It was paid, given up, or became void; in the transaction that makes it so. Safe to repeat."""
        ...


class Documents(Protocol):
    """Where invoices are kept as they are printed."""

    async def link(self, invoice: Invoice) -> str:
        """Where an invoice's PDF can be fetched for a few minutes; it is made at the first time."""
        ...
