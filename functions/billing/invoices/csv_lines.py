"""The lines of an invoice as a table."""

import csv
from io import StringIO

from billing.invoices.models import Invoice
from billing.invoicing.computing import Line
from llmo_core.csv_cells import no_formula
from llmo_core.currencies import Currency
from llmo_core.money import decimal_text

_COLUMNS = (
    "invoice",
    "kind",
    "code",
    "name",
    "meter",
    "period_start",
    "period_end",
    "days",
    "of_days",
    "quantity",
    "included",
    "billed_quantity",
    "currency",
    "net",
    "tax",
    "gross",
)


def csv_of(invoice: Invoice) -> str:
    """RFC 4180, with amounts in units of the currency. No field is taken for a formula by a spreadsheet."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for line in invoice.breakdown.lines:
        writer.writerow(_row(invoice, line))
    return text.getvalue()


def _row(invoice: Invoice, line: Line) -> list[str]:
    currency = invoice.currency
    return [
        invoice.number or "draft",
        line.kind.value,
        line.code,
        no_formula(line.name),
        line.meter or "",
        line.period.start.isoformat(),
        line.period.end.isoformat(),
        str(line.share.days),
        str(line.share.of),
        decimal_text(line.quantity),
        decimal_text(line.included),
        decimal_text(line.billed_quantity) if line.billed_quantity is not None else "",
        currency.value,
        in_units(line.net, currency),
        in_units(line.gross - line.net, currency),
        in_units(line.gross, currency),
    ]


def in_units(amount: int, currency: Currency, *, grouped: bool = False) -> str:
    """Minor units as units of the currency: 123456 cents are 1234.56, or 1,234.56."""
    whole, rest = divmod(abs(amount), 10**currency.exponent)
    units = f"{whole:,}" if grouped else str(whole)
    sign = "-" if amount < 0 else ""
    return f"{sign}{units}.{rest:0{currency.exponent}}" if currency.exponent else f"{sign}{units}"
