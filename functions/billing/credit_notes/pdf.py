"""A credit note as PDF. See billing.invoices.paper of when this is imported."""

from collections.abc import Sequence

from billing.credit_notes.models import CreditNote
from billing.invoices.csv_lines import in_units
from billing.invoices.models import Invoice
from billing.invoices.paper import Paper, day, days, of_taxes
from billing.invoicing.computing import by_rate


def pdf_of(note: CreditNote, invoice: Invoice) -> bytes:
    """A note, the same bytes whenever it is made."""
    page = Paper()
    page.title("Credit note", note.number, note.issued_at)
    page.parties(note.issuer, note.customer)
    page.facts(
        [
            ("Credit note", note.number),
            ("Date", day(note.issued_at)),
            ("Of invoice", f"{invoice.number}, {day(invoice.finalized_at or invoice.created_at)}"),
            ("Currency", note.currency.value),
            ("Reason", note.reason.value.replace("_", " ")),
        ]
    )
    page.table(["Description", "Tax", f"Net ({note.currency})"], _lines(note, invoice), numbers=(30, 30))
    page.totals(_totals(note), note.currency)
    if note.memo:
        page.notes(note.memo)
    page.notes("Each line has the taxes of the invoice's line, in proportion to what is credited of it.")
    return page.written()


def _lines(note: CreditNote, invoice: Invoice) -> Sequence[Sequence[str]]:
    said = invoice.breakdown.lines
    return [
        [
            "\n".join(dict.fromkeys((line.description, line.name, days(said[line.line].period)))),
            in_units(line.gross - line.net, note.currency, grouped=True),
            in_units(line.net, note.currency, grouped=True),
        ]
        for line in note.lines
    ]


def _totals(note: CreditNote) -> Sequence[tuple[str, int]]:
    given = note.allocation
    parts = [
        ("Not to be paid any more", given.deducted),
        ("Paid back before", given.returned),
        ("Paid back", given.refunded),
        ("Becomes credit", given.granted),
    ]
    return [
        ("Net", note.subtotal),
        *of_taxes(by_rate(note.lines)),
        *((name, amount) for name, amount in parts if amount),
        (f"Total credited ({note.currency})", note.total),
    ]
