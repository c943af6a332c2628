"""An invoice as PDF, in A4.

The font has Latin, Greek and Cyrillic letters, and carries them in the document. Importing fpdf takes most of a second,
which nobody spends who asks for no PDF: this module is imported when the first one is made.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

from billing.invoices.csv_lines import in_units
from billing.invoices.models import Invoice, Party
from billing.invoicing.computing import Line
from billing.invoicing.items import ItemKind
from billing.periods import Period
from billing.pricing.components import Component, Part
from llmo_core.money import decimal_text

_FONT = "Open Sans"
_MARGIN = 18
_SMALL, _NORMAL, _LARGE = 8, 9, 20
_GREY = 110
_MOST_CHARACTERS = 200
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
    page = _Page()
    page.title(invoice.number, invoice.finalized_at)
    page.parties(invoice.issuer, invoice.customer)
    page.facts(
        [
            ("Invoice number", invoice.number),
            ("Date", _day(invoice.finalized_at)),
            ("Due", _day(invoice.due_at)),
            ("Period", _days(invoice.period)),
            ("Currency", invoice.currency.value),
        ]
    )
    page.lines(invoice)
    page.totals(invoice)
    page.notes(
        "Each line is rounded once, half to even, to the smallest amount of the currency, and so is each tax of it. "
        "The breakdown of this invoice, from which every amount can be recomputed, comes with it over the API."
    )
    return page.written()


class _Page:
    """What is written, from top to bottom."""

    def __init__(self) -> None:
        self._pdf = FPDF(format="A4")
        self._pdf.set_margin(_MARGIN)
        self._pdf.set_auto_page_break(auto=True, margin=_MARGIN)
        fonts = files("ttf_opensans") / "ttf"
        self._pdf.add_font(_FONT, "", str(fonts / "OpenSans-Regular.ttf"))
        self._pdf.add_font(_FONT, "B", str(fonts / "OpenSans-SemiBold.ttf"))
        self._pdf.set_font(_FONT, size=_NORMAL)
        self._pdf.add_page()

    def title(self, number: str, at: datetime) -> None:
        """The heading, and what the document says of itself."""
        self._pdf.set_title(f"Invoice {number}")
        self._pdf.set_creation_date(at)
        self._text("Invoice", size=_LARGE, bold=True)
        self._pdf.ln(3)

    def parties(self, issuer: Party | None, customer: Party | None) -> None:
        """From whom, and to whom."""
        top, width = self._pdf.get_y(), self._pdf.epw / 2
        bottoms = []
        for column, (heading, party) in enumerate((("From", issuer), ("Bill to", customer))):
            self._pdf.set_y(top)
            for position, text in enumerate([heading, *_address(party)]):
                self._pdf.set_x(_MARGIN + column * width)
                self._text(text, width=width - 4, bold=position == 1, grey=position == 0)
            bottoms.append(self._pdf.get_y())
        self._pdf.set_y(max(bottoms) + 5)

    def facts(self, facts: Iterable[tuple[str, str]]) -> None:
        """Names and what they are."""
        for name, value in facts:
            self._pdf.set_text_color(_GREY)
            self._pdf.cell(35, 5, name)
            self._pdf.set_text_color(0)
            self._text(value)
        self._pdf.ln(4)

    def lines(self, invoice: Invoice) -> None:
        """What is charged."""
        plain = FontFace(emphasis="BOLD", fill_color=240)
        with self._pdf.table(
            col_widths=(88, 34, 26, 26),
            text_align=("LEFT", "RIGHT", "RIGHT", "RIGHT"),
            headings_style=plain,
            borders_layout="HORIZONTAL_LINES",
            line_height=4.6,
            padding=1.2,
        ) as table:
            table.row(["Description", "Quantity", "Tax", f"Net ({invoice.currency})"])
            for line in invoice.breakdown.lines:
                table.row(
                    [
                        _printable(_description(line)),
                        decimal_text(line.quantity),
                        in_units(line.gross - line.net, invoice.currency, grouped=True),
                        in_units(line.net, invoice.currency, grouped=True),
                    ]
                )
        self._pdf.ln(3)

    def totals(self, invoice: Invoice) -> None:
        """What it comes to."""
        said = invoice.breakdown
        paid = sum(credit.amount for credit in said.credits)
        rows = [("Net", said.subtotal)]
        rows += [(f"{tax.name} {decimal_text(tax.percent)} %", tax.amount) for tax in said.taxes]
        rows += [("Total", said.total)]
        rows += [("Paid by credit", -paid)] if paid else []
        rows += [("Becomes credit", said.owed)] if said.owed else []
        rows += [(f"Amount due ({invoice.currency})", said.amount_due)]
        for number, (name, amount) in enumerate(rows, start=1):
            last = number == len(rows)
            self._pdf.set_font(_FONT, style="B" if last else "", size=_NORMAL)
            self._pdf.set_x(-_MARGIN - 80)
            self._pdf.cell(50, 5.5, _printable(name))
            self._pdf.cell(
                30,
                5.5,
                in_units(amount, invoice.currency, grouped=True),
                align="R",
                new_x=XPos.LMARGIN,
                new_y=YPos.NEXT,
            )
        self._pdf.ln(6)

    def notes(self, text: str) -> None:
        """What is to be known besides."""
        self._text(text, size=_SMALL, grey=True)

    def written(self) -> bytes:
        """The document."""
        return bytes(self._pdf.output())

    def _text(
        self, text: str, *, width: float = 0, size: int = _NORMAL, bold: bool = False, grey: bool = False
    ) -> None:
        self._pdf.set_font(_FONT, style="B" if bold else "", size=size)
        self._pdf.set_text_color(_GREY if grey else 0)
        self._pdf.multi_cell(width, size * 0.5, _printable(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")
        self._pdf.set_text_color(0)


def _address(party: Party | None) -> Sequence[str]:
    if party is None:
        return []
    lines: list[Any] = [party.name or "", party.email or ""]
    if party.address is not None:
        at = party.address
        lines += [at.line1, at.line2 or "", f"{at.postal_code or ''} {at.city}".strip(), at.state or "", at.country]
    lines += [f"{tax_id.type}: {tax_id.value}" for tax_id in party.tax_ids]
    return [line for line in lines if line]


def _description(line: Line) -> str:
    parts = [f"{line.name} ({_NOTES[line.kind]})", _days(line.period)]
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


def _days(period: Period) -> str:
    return f"{period.start:%Y-%m-%d %H:%M} to {period.end:%Y-%m-%d %H:%M} UTC"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _printable(text: str) -> str:
    """At most so much of a text that it fits on a page."""
    return "\n".join(line[:_MOST_CHARACTERS] for line in text.splitlines())
