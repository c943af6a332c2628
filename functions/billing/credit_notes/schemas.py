"""Bodies about credit notes. Amounts are in minor units: cents of a currency that has them."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from billing.credit_notes.issuing import Computed
from billing.credit_notes.models import (
    MOST_LINES,
    Allocation,
    CreditNote,
    LineWanted,
    NoteLine,
    NoteReason,
    NoteWanted,
    Outcome,
)
from billing.exact import MOST_MINOR_UNITS
from billing.fields import not_empty
from billing.invoices.models import Party
from billing.invoicing.computing import by_rate
from billing.taxes import TaxAmount
from llmo_core.currencies import Currency
from llmo_core.http.page_query import PageQuery
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after

# PostgreSQL's text holds no NUL; lines may be broken.
type Text = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]


class NoteQuery(PageQuery):
    """Which credit notes of a list."""

    invoice_id: Annotated[UUID | None, Field(description="Only those of this invoice.")] = None


class CreditLine(Model):
    """What is credited of a line of the invoice."""

    line: Annotated[int, Field(strict=True, ge=0, description="Its position in the invoice's `lines`, from 0.")]
    amount: Annotated[
        int | None,
        Field(
            strict=True,
            gt=0,
            le=MOST_MINOR_UNITS,
            description="Without taxes, which are credited in proportion; null for all that is left of the line.",
            examples=[900],
        ),
    ] = None
    description: Annotated[Text, Field(description="The line's name where it is empty.")] = ""


def _once(lines: tuple[CreditLine, ...]) -> tuple[CreditLine, ...]:
    if len({each.line for each in lines}) < len(lines):
        raise ValueError("each line is credited once")
    return lines


type CreditLines = Annotated[
    tuple[CreditLine, ...], AfterValidator(not_empty), AfterValidator(_once), Field(max_length=MOST_LINES)
]
"""Some lines, each of them once."""


class IssueCreditNote(Model):
    """What is not owed after all, and what becomes of what was paid of it."""

    lines: Annotated[CreditLines | None, Field(description="Null for all that is left of the invoice.")] = None
    reason: NoteReason = NoteReason.OTHER
    memo: Annotated[Text, Field(description="What the customer is told.")] = ""
    outcome: Annotated[
        Outcome,
        Field(
            description="What becomes of what was paid already: `credit` is granted, or the payment refunded, as far "
            "as it can be."
        ),
    ] = Outcome.CREDIT

    def wanted(self) -> NoteWanted:
        """What is asked for."""
        lines = tuple(LineWanted(**dict(line)) for line in self.lines) if self.lines is not None else None
        return NoteWanted(lines=lines, reason=self.reason, memo=self.memo, outcome=self.outcome)


class _Amounts(Model):
    currency: Currency
    lines: tuple[NoteLine, ...]
    subtotal: int
    taxes: tuple[TaxAmount, ...]
    total: Annotated[int, Field(description="The four amounts that follow, together.")]
    amount_deducted: Annotated[int, Field(description="Was still to be paid, and is not any more.")]
    amount_returned: Annotated[int, Field(description="Went back before: by refunds without a note, and disputes.")]
    amount_refunded: Annotated[int, Field(description="Goes back to the card, by the refund.")]
    amount_granted: Annotated[int, Field(description="Becomes credit.")]


class CreditNotePreview(_Amounts):
    """What a credit note would say now."""

    @classmethod
    def of(cls, computed: Computed) -> Self:
        """Show it."""
        shown = _amounts(tuple(computed.lines), computed.total, computed.allocation)
        return cls.model_validate({**shown, "currency": computed.invoice.currency})


class CreditNoteOut(_Amounts):
    """Something of an invoice that is not owed after all."""

    id: UUID
    invoice_id: UUID
    number: Annotated[str, Field(description="Without gaps in each organization.", examples=["CN-7C008A1F-000001"])]
    reason: NoteReason
    memo: str
    outcome: Outcome
    refund_id: Annotated[UUID | None, Field(description="One of its payment's; null where no money goes back.")]
    issuer: Party | None
    customer: Party | None
    issued_at: datetime

    @classmethod
    def of(cls, note: CreditNote) -> Self:
        """Show a note."""
        own = {name: getattr(note, name) for name in cls.model_fields if name in type(note).model_fields}
        return cls.model_validate({**own, **_amounts(note.lines, note.total, note.allocation)})


class CreditNotePage(Model):
    """Some credit notes, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[CreditNoteOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[CreditNote]) -> Self:
        """Show a page."""
        return cls(data=[CreditNoteOut.of(note) for note in page.data], next_cursor=cursor_after(page.last))


def _amounts(lines: tuple[NoteLine, ...], total: int, allocation: Allocation) -> dict[str, object]:
    return {
        "lines": lines,
        "subtotal": sum(line.net for line in lines),
        "taxes": by_rate(lines),
        "total": total,
        **{f"amount_{name}": amount for name, amount in allocation.model_dump(exclude={"restored"}).items()},
    }
