"""Credit notes, and what can go wrong with them."""

from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from billing.exact import MOST_MINOR_UNITS
from billing.fields import Code, MinorUnits
from billing.invoices.models import Party
from billing.invoicing.computing import AppliedCredit
from billing.taxes import TaxAmount
from llmo_core.currencies import Currency
from llmo_core.errors import Conflict, Invalid, NotFound
from llmo_core.fields import Moment, Name
from llmo_core.model import Model

MOST_LINES = 1000


class NoteReason(StrEnum):
    """Why something is not owed after all."""

    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    ORDER_CHANGE = "order_change"
    UNSATISFACTORY = "unsatisfactory"
    GOODWILL = "goodwill"
    OTHER = "other"


class Outcome(StrEnum):
    """What becomes of what was paid already: it is granted as credit, or goes back to where it came from."""

    CREDIT = "credit"
    REFUND = "refund"


class LineWanted(Model):
    """How much of a line of an invoice is to be credited.

    Attributes:
        line: Its position in the invoice, from 0.
        amount: Without taxes, in minor units; None for all that is left of it.
        description: What the note says of it; the line's name where it is empty.
    """

    line: Annotated[int, Field(ge=0)]
    amount: Annotated[MinorUnits | None, Field(gt=0, le=MOST_MINOR_UNITS)] = None
    description: str = ""


class NoteWanted(Model):
    """What a credit note is to say.

    Attributes:
        lines: What of the invoice is not owed; None for all that is left of all of its lines.
        memo: What the customer is told.
    """

    lines: tuple[LineWanted, ...] | None = None
    reason: NoteReason = NoteReason.OTHER
    memo: str = ""
    outcome: Outcome = Outcome.CREDIT

    @model_validator(mode="after")
    def _lines_once(self) -> Self:
        if self.lines is not None and len({wanted.line for wanted in self.lines}) < len(self.lines):
            raise ValueError("each line is credited once")
        return self


class NoteLine(Model):
    """What is credited of a line of an invoice, in minor units: `net` and the taxes are exactly `gross`.

    It is negative of a line that had credited something itself, such as days that were not used.

    Attributes:
        line: Its position in the invoice, from 0.
        taxes: The line's, in the same order.
    """

    line: int
    code: Code
    name: Name
    description: str
    net: MinorUnits
    taxes: tuple[TaxAmount, ...]
    gross: MinorUnits


class Allocation(Model):
    """What becomes of a note's total, in minor units.

    Attributes:
        deducted: It was still to be paid, and is not any more.
        returned: It went back as money before there was this note: by refunds without one, and disputes.
        refunded: It goes back as money.
        granted: It is granted as credit.
        restored: So much of that had been taken of these grants, and is given back as they were.
    """

    deducted: MinorUnits
    returned: MinorUnits
    refunded: MinorUnits
    granted: MinorUnits
    restored: tuple[AppliedCredit, ...] = ()

    @property
    def by_money(self) -> MinorUnits:
        """What is granted as credit that money had paid for."""
        return self.granted - sum(credit.amount for credit in self.restored)


class CreditNote(Model):
    """Something of an invoice that is not owed after all. It never changes.

    Attributes:
        sequence: 1, 2, 3 and so on without gaps in each organization.
        number: The same as it is written on the note.
        refund_id: By which money goes back; None where none does.
        issuer: The one on the invoice; `customer` likewise.
        request_key: Digest of the key under which it was asked for; None without one.
        request_hash: Digest of what was asked for.
        created_by: One of the operator's; None where it was issued by itself.
    """

    id: UUID
    org_id: UUID
    invoice_id: UUID
    sequence: int
    number: str
    currency: Currency
    reason: NoteReason
    memo: str
    outcome: Outcome
    lines: tuple[NoteLine, ...]
    total: MinorUnits
    allocation: Allocation
    refund_id: UUID | None
    issuer: Party | None
    customer: Party | None
    request_key: str | None
    request_hash: str
    created_by: UUID | None
    issued_at: Moment

    @property
    def subtotal(self) -> MinorUnits:
        """What it comes to without taxes."""
        return sum(line.net for line in self.lines)


def note_number(org_id: UUID, sequence: int) -> str:
    """A number that no other note of any organization has: the end of the organization's id, and the sequence."""
    return f"CN-{org_id.hex[-8:].upper()}-{sequence:06}"


class UnknownCreditNote(NotFound):
    """There is no credit note with this id."""


class NotCreditable(Conflict):
    """The invoice is void: nothing of it is owed, and nothing can be credited."""


class UnknownLine(Invalid):
    """The invoice has no such line."""


class NotCreditableAmount(Invalid):
    """In this currency amounts are multiples of a larger one, or a line that credits something is credited wholly."""


class NothingToCredit(Conflict):
    """Nothing is left that could be credited."""


class CreditTooLarge(Conflict):
    """More than is left of the line, or of the invoice, cannot be credited."""
