"""Bodies about invoices. Amounts are in minor units: cents of a currency that has them."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from billing.invoices.models import Invoice, InvoiceStatus, Party
from billing.invoicing.computing import AppliedCredit, Line
from billing.periods import Period
from billing.taxes import TaxAmount
from llmo_core.currencies import Currency
from llmo_core.http.page_query import PageQuery
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after


class InvoiceQuery(PageQuery):
    """Which invoices of a list."""

    status: Annotated[
        frozenset[InvoiceStatus], Field(description="Only those in one of these statuses; all when none is given.")
    ] = frozenset()


class InvoiceSummary(Model):
    """An invoice without its lines."""

    id: UUID
    subscription_id: UUID | None
    status: InvoiceStatus
    number: Annotated[str | None, Field(description="Without gaps in each organization; null of a draft.")]
    currency: Currency
    period: Period
    subtotal: int
    taxes: tuple[TaxAmount, ...]
    total: int
    amount_due: Annotated[int, Field(description="The total less what was taken of credit.")]
    amount_paid: int
    amount_credited: Annotated[int, Field(description="What its credit notes come to, whatever became of that.")]
    amount_remaining: int
    created_at: datetime
    finalized_at: datetime | None
    due_at: datetime | None
    paid_at: datetime | None
    ended_at: Annotated[datetime | None, Field(description="When it was given up, or became void.")]

    @classmethod
    def of(cls, invoice: Invoice) -> Self:
        """Show an invoice."""
        return cls(**cls._shown(invoice))

    @classmethod
    def _shown(cls, invoice: Invoice) -> dict[str, object]:
        said = invoice.breakdown
        shown = {name: getattr(said, name) for name in cls.model_fields if name in type(said).model_fields}
        shown |= {name: getattr(invoice, name) for name in cls.model_fields if name in type(invoice).model_fields}
        return {**shown, "amount_remaining": invoice.remaining}


class InvoiceOut(InvoiceSummary):
    """An invoice with its lines."""

    issuer: Party | None
    customer: Party | None
    lines: tuple[Line, ...]
    credits: tuple[AppliedCredit, ...]


class PayInvoice(Model):
    """With what an invoice is paid."""

    payment_method_id: Annotated[
        UUID | None, Field(description="A saved payment method; the default one when there is none here.")
    ] = None


class InvoicePage(Model):
    """Some invoices, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[InvoiceSummary]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Invoice]) -> Self:
        """Show a page."""
        return cls(data=[InvoiceSummary.of(invoice) for invoice in page.data], next_cursor=cursor_after(page.last))
