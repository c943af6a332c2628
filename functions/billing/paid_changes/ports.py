"""What changes that are paid for first need of the world around them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing.fields import MinorUnits
from billing.invoicing.items import Item
from billing.paid_changes.models import PaidChange
from billing.payments.models import Payment, Purpose
from billing.subscriptions.models import Subscription
from billing.wallets.models import Grant, TopUp
from llmo_core.currencies import Currency


class PaidChanges(Protocol):
    """Where they are kept."""

    async def find(self, org_id: UUID, change_id: UUID) -> PaidChange | None:
        """The one with this id."""
        ...

    async def locked(self, org_id: UUID, change_id: UUID) -> PaidChange | None:
        """The same, which nobody else changes before the transaction under way ends."""
        ...

    async def add(self, change: PaidChange) -> None:
        """Keep a new one. Raises ChangeUnderWay where another of its subscription is."""
        ...

    async def change(self, change: PaidChange) -> None:
        """Keep what has changed of one."""
        ...


class Subscriptions(Protocol):
    """Where subscriptions are kept."""

    async def locked(self, org_id: UUID, subscription_id: UUID) -> Subscription | None:
        """The one with this id, which nobody else changes before the transaction under way ends."""
        ...


class Billing(Protocol):
    """What makes invoices."""

    async def due(self, subscription: Subscription, now: datetime) -> Sequence[Item]:
        """What an invoice would say that was made now."""
        ...


class Credits(Protocol):
    """The credit of organizations."""

    async def spendable(self, org_id: UUID, currency: Currency) -> Sequence[Grant]:
        """What can be spent."""
        ...


class TopUpRequests(Protocol):
    """Who sells credit."""

    async def request_for(self, org_id: UUID, currency: Currency, amount: MinorUnits, *, by: UUID) -> TopUp:
        """Ask for credit. Raises UnchargeableAmount."""
        ...


class TopUps(Protocol):
    """Where top-ups are kept."""

    async def find(self, org_id: UUID, top_up_id: UUID) -> TopUp | None:
        """The one with this id."""
        ...


class Charging(Protocol):
    """What charges payment methods."""

    async def charge(self, org_id: UUID, purpose: Purpose, *, amount: MinorUnits, currency: Currency) -> Payment:
        """Collect an amount for a purpose, once; see billing.payments.charging."""
        ...

    async def cancel(self, org_id: UUID, purpose: Purpose) -> Payment | None:
        """Give up the payment that is under way for a purpose, when it can still be."""
        ...
