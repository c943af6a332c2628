"""What credit notes announce."""

from uuid import UUID

from billing.fields import MinorUnits
from llmo_core.currencies import Currency
from llmo_messaging.envelope import Event


class CreditNoteIssued(Event, name="llmo.billing.credit_note.issued"):
    """Something of an invoice is not owed after all.

    Amounts are in minor units. The total is what was still to be paid and is not any more (`amount_deducted`), what had
    gone back before (`amount_returned`), and what goes back as money (`amount_refunded`) or credit (`amount_granted`).
    """

    credit_note_id: UUID
    invoice_id: UUID
    number: str
    currency: Currency
    total: MinorUnits
    amount_deducted: MinorUnits
    amount_returned: MinorUnits
    amount_refunded: MinorUnits
    amount_granted: MinorUnits
    refund_id: UUID | None
