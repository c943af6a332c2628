"""What organizations, and the operator, see of dunnings; and what the operator does about them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from billing.dunning.models import Dunning, Service, UnknownDunning
from billing.dunning.ports import Dunnings, Invoices, Services
from billing.invoices.models import Invoice
from billing.models import Operator
from llmo_auth.principal import Principal
from llmo_data.ports import Transaction


class Overdue(NamedTuple):
    """An invoice that is not settled, and what is done about it."""

    invoice: Invoice
    dunning: Dunning


class Overview(NamedTuple):
    """How well an organization is served, and on account of what."""

    service: Service
    overdue: tuple[Overdue, ...]


class DunningService:
    """Shows and delays dunnings."""

    def __init__(
        self,
        *,
        dunnings: Dunnings,
        services: Services,
        invoices: Invoices,
        operator: Operator,
        transaction: Transaction,
    ) -> None:
        self._dunnings = dunnings
        self._services = services
        self._invoices = invoices
        self._operator = operator
        self._transaction = transaction

    async def service(self, org_id: UUID) -> Service:
        """How well an organization is served."""
        return await self._services.find(org_id)

    async def overview(self, principal: Principal) -> Overview:
        """How well the caller's organization is served, and what is overdue, the oldest first."""
        return await self._overview(principal.org_id)

    async def overview_of(self, principal: Principal, org_id: UUID) -> Overview:
        """The same of any organization. Raises NotTheOperator."""
        self._operator.require(principal)
        return await self._overview(org_id)

    async def delay(self, principal: Principal, org_id: UUID, invoice_id: UUID, until: datetime) -> Overdue:
        """Let nothing come about an invoice before a moment. Safe to repeat.

        Raises NotTheOperator, UnknownDunning, NothingToDelay.
        """
        self._operator.require(principal)
        async with self._transaction(org_id):
            dunning = await self._dunnings.locked(org_id, invoice_id)
            invoice = await self._invoices.find(org_id, invoice_id)
            if dunning is None or invoice is None:
                raise UnknownDunning
            after = dunning.delayed(until)
            await self._dunnings.change(after)
        return Overdue(invoice, after)

    async def _overview(self, org_id: UUID) -> Overview:
        overdue: list[Overdue] = []
        for dunning in await self._dunnings.open(org_id):
            invoice = await self._invoices.find(org_id, dunning.invoice_id)
            if invoice is not None:
                overdue.append(Overdue(invoice, dunning))
        return Overview(await self._services.find(org_id), tuple(overdue))
