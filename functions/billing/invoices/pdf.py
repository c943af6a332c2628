"""An invoice as PDF. See billing.invoices.paper of when this is imported."""

from collections.abc import Sequence

from billing.invoices.csv_lines import in_units
from billing.invoices.models import Invoice
from billing.invoices.paper import Paper, day, days, of_taxes
from billing.invoicing.computing import Line
from billing.invoicing.items import ItemKind
from billing.pricing.components import Component, Part
from llmo_core.money import decimal_text

_NOTES = {
    ItemKind.ADVANCE: "in advance",
    ItemKind.USAGE: "used",
    ItemKind.UNUSED: "credit for days not used",
    ItemKind.REMAINING: "for the remaining days",
    ItemKind.ADJUSTMENT: "known after its period was billed",
}


def pdf_of(invoice: Invoice) -> bytes:
    """A finalized invoice, the same bytes whenever it is made."""
    if invoice.number is None or invoice.finalized_at is None or invoice.due_at is None:
        raise ValueError("a draft has no document")
    page = Paper()
    page.title("Invoice", invoice.number, invoice.finalized_at)
    page.parties(invoice.issuer, invoice.customer)
    page.facts(
        [
            ("Invoice number", invoice.number),
            ("Date", day(invoice.finalized_at)),
            ("Due", day(invoice.due_at)),
            ("Period", days(invoice.period)),
            ("Currency", invoice.currency.value),
        ]
    )
    page.table(["Description", "Quantity", "Tax", f"Net ({invoice.currency})"], _lines(invoice), numbers=(34, 26, 26))
    page.totals(_totals(invoice), invoice.currency)
    page.notes(
        "Each line is rounded once, half to even, to the smallest amount of the currency, and so is each tax of it. "
        "The breakdown of this invoice, from which every amount can be recomputed, comes with it over the API."
    )
    return page.written()


def _lines(invoice: Invoice) -> Sequence[Sequence[str]]:
    return [
        [
            _description(line),
            decimal_text(line.quantity),
            in_units(line.gross - line.net, invoice.currency, grouped=True),
            in_units(line.net, invoice.currency, grouped=True),
        ]
        for line in invoice.breakdown.lines
    ]


def _totals(invoice: Invoice) -> Sequence[tuple[str, int]]:
    said = invoice.breakdown
    paid = sum(credit.amount for credit in said.credits)
    rows = [("Net", said.subtotal), *of_taxes(said.taxes), ("Total", said.total)]
    rows += [("Paid by credit", -paid)] if paid else []
    rows += [("Becomes credit", said.owed)] if said.owed else []
    return [*rows, (f"Amount due ({invoice.currency})", said.amount_due)]


def _description(line: Line) -> str:
    parts = [f"{line.name} ({_NOTES[line.kind]})", days(line.period)]
    if line.share.days != line.share.of:
        parts.append(f"{line.share.days} of {line.share.of} days")
    if line.included:
        parts.append(f"{decimal_text(line.included)} included")
    if line.billed_quantity is not None:
        parts.append(f"billed before: {decimal_text(line.billed_quantity)}")
    parts += [_component(component) for component in line.components]
    return "\n".join(parts)


def _component(component: Component) -> str:
    what = component.part.value
    if component.tier is not None:
        above, up_to = decimal_text(component.tier.above), component.tier.up_to
        what += f", above {above}" + (f" up to {decimal_text(up_to)}" if up_to is not None else "")
    price = f"{decimal_text(component.quantity)} x {decimal_text(component.unit_price)}"
    if component.part in {Part.FEE, Part.MINIMUM, Part.CAP}:
        return f"{what}: {decimal_text(component.flat_fee)}"
    return f"{what}: {price}" + (f" + {decimal_text(component.flat_fee)}" if component.flat_fee else "")
