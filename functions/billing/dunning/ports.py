"""What the use cases of dunning need of the world around them."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from billing.dunning.models import Dunning, Service
from billing.invoices.collecting import Collected
from billing.invoices.models import Invoice
from billing.payments.models import Payment, Purpose


class Dunnings(Protocol):
    """Where dunnings are kept: one of each invoice."""

    async def find(self, org_id: UUID, invoice_id: UUID) -> Dunning | None:
        """An invoice's."""
        ...

    async def locked(self, org_id: UUID, invoice_id: UUID) -> Dunning | None:
        """The same, which nobody else changes before the transaction under way ends."""
        ...

    async def open(self, org_id: UUID) -> Sequence[Dunning]:
        """Those of an organization that are not closed, the oldest first."""
        ...

    async def add(self, dunning: Dunning) -> bool:
        """Keep a new one; False, and nothing, where the invoice has one."""
        ...

    async def change(self, dunning: Dunning) -> None:
        """Keep what has changed of one."""
        ...


class Services(Protocol):
    """Where it is kept how well organizations are served."""

    async def find(self, org_id: UUID) -> Service:
        """An organization's."""
        ...

    async def locked(self, org_id: UUID) -> Service:
        """The same, which nobody else changes before the transaction under way ends."""
        ...

    async def change(self, service: Service) -> None:
        """Keep what has changed."""
        ...


class Invoices(Protocol):
    """Where invoices are kept."""

    async def find(self, org_id: UUID, invoice_id: UUID) -> Invoice | None:
        """The one with this id."""
        ...

    async def locked(self, org_id: UUID, invoice_id: UUID) -> Invoice | None:
        """The same, which nobody else changes before the transaction under way ends."""
        ...


class Attempts(Protocol):
    """Where payments are kept."""

    async def newest_for(self, org_id: UUID, purpose: Purpose) -> Payment | None:
        """The last attempt to pay for this."""
        ...


class Collecting(Protocol):
    """What charges payment methods for invoices."""

    async def collect(self, org_id: UUID, invoice_id: UUID) -> Collected:
        """Charge what is left to pay; see billing.invoices.collecting."""
        ...
