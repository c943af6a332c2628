"""What the operator does with the invoices of others."""

from collections.abc import Collection
from uuid import UUID

from billing.invoices.models import Invoice, InvoiceStatus
from billing.invoices.ports import Invoices
from billing.invoices.settling import SettlingService
from billing.models import Operator
from llmo_auth.principal import Principal
from llmo_core.paging import Page


class InvoiceOperations:
    """Shows and settles invoices of any organization. Everything raises NotTheOperator."""

    def __init__(self, *, invoices: Invoices, settling: SettlingService, operator: Operator) -> None:
        self._invoices = invoices
        self._settling = settling
        self._operator = operator

    async def page(
        self,
        principal: Principal,
        org_id: UUID,
        *,
        statuses: Collection[InvoiceStatus],
        before: UUID | None,
        limit: int,
    ) -> Page[Invoice]:
        """An organization's invoices, the newest first: all, or those in these statuses."""
        self._operator.require(principal)
        wanted = list(statuses) or list(InvoiceStatus)
        return Page.of(await self._invoices.page(org_id, statuses=wanted, before=before, limit=limit + 1), limit)

    async def void(self, principal: Principal, org_id: UUID, invoice_id: UUID) -> Invoice:
        """Let nothing be owed after all. Raises UnknownInvoice, InvoiceIsFinal, PaidInPart."""
        self._operator.require(principal)
        return await self._settling.void(org_id, invoice_id)

    async def give_up(self, principal: Principal, org_id: UUID, invoice_id: UUID) -> Invoice:
        """Expect nothing more of what is left to pay. Raises UnknownInvoice, InvoiceIsFinal."""
        self._operator.require(principal)
        return await self._settling.give_up(org_id, invoice_id)
