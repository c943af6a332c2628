"""What an organization sees of its invoices, and of the one that will come."""

from collections.abc import Collection, Sequence
from uuid import UUID

from billing.invoices.drafting import DraftingService
from billing.invoices.models import Invoice, InvoiceIsDraft, InvoiceStatus, NothingSubscribed, UnknownInvoice
from billing.invoices.ports import Credits, Documents, Invoices, Subscriptions
from billing.invoicing.breakdown import Breakdown
from billing.invoicing.computing import Credit, compute
from billing.subscriptions.dates import as_of
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.paging import Page


class InvoiceReader:
    """Shows invoices."""

    def __init__(
        self,
        *,
        invoices: Invoices,
        drafting: DraftingService,
        subscriptions: Subscriptions,
        credits_: Credits,
        documents: Documents,
        clock: Clock,
    ) -> None:
        self._invoices = invoices
        self._drafting = drafting
        self._subscriptions = subscriptions
        self._credits = credits_
        self._documents = documents
        self._clock = clock

    async def page(
        self, principal: Principal, *, statuses: Collection[InvoiceStatus], before: UUID | None, limit: int
    ) -> Page[Invoice]:
        """The organization's invoices, the newest first: all, or those in these statuses."""
        wanted = list(statuses) or list(InvoiceStatus)
        found = await self._invoices.page(principal.org_id, statuses=wanted, before=before, limit=limit + 1)
        return Page.of(found, limit)

    async def find(self, principal: Principal, invoice_id: UUID) -> Invoice:
        """An invoice. Raises UnknownInvoice."""
        found = await self._invoices.find(principal.org_id, invoice_id)
        if found is None:
            raise UnknownInvoice
        return found

    async def document(self, principal: Principal, invoice_id: UUID) -> str:
        """Where its PDF can be fetched for a few minutes. Raises UnknownInvoice, InvoiceIsDraft."""
        invoice = await self.find(principal, invoice_id)
        if invoice.status is InvoiceStatus.DRAFT:
            raise InvoiceIsDraft
        return await self._documents.link(invoice)

    async def upcoming(self, principal: Principal) -> Breakdown:
        """The next invoice as it would be if nothing more was used until its period ends. Raises NothingSubscribed."""
        now = self._clock.now()
        kept = await self._subscriptions.newest(principal.org_id)
        if kept is None:
            raise NothingSubscribed
        subscription = as_of(kept, now).subscription
        currency = subscription.phase.terms.definition.currency
        items = await self._drafting.upcoming(subscription, now)
        left: Sequence[Credit] = [
            Credit(id=str(grant.id), available=grant.remaining)
            for grant in await self._credits.spendable(principal.org_id, currency)
        ]
        return Breakdown.of(compute(currency, items, left))
