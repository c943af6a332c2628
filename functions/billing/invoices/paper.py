"""A sheet of paper that invoices and credit notes are printed on, in A4.

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
from billing.invoices.models import Party
from billing.periods import Period
from billing.taxes import TaxAmount
from llmo_core.currencies import Currency
from llmo_core.money import decimal_text

_FONT = "Open Sans"
_MARGIN = 18
_SMALL, _NORMAL, _LARGE = 8, 9, 20
_GREY = 110
_MOST_CHARACTERS = 200
_WIDTH = 174


class Paper:
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

    def title(self, kind: str, number: str, at: datetime) -> None:
        """The heading, and what the document says of itself."""
        self._pdf.set_title(f"{kind} {number}")
        self._pdf.set_creation_date(at)
        self._text(kind, size=_LARGE, bold=True)
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

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int]) -> None:
        """Texts, which take what is left of the width, and columns of numbers of these widths."""
        with self._pdf.table(
            col_widths=(_WIDTH - sum(numbers), *numbers),
            text_align=("LEFT", *("RIGHT" for _ in numbers)),
            headings_style=FontFace(emphasis="BOLD", fill_color=240),
            borders_layout="HORIZONTAL_LINES",
            line_height=4.6,
            padding=1.2,
        ) as table:
            table.row(list(headings))
            for text, *others in rows:
                table.row([printable(text), *others])
        self._pdf.ln(3)

    def totals(self, rows: Sequence[tuple[str, int]], currency: Currency) -> None:
        """What it comes to; the last is what counts."""
        for number, (name, amount) in enumerate(rows, start=1):
            last = number == len(rows)
            self._pdf.set_font(_FONT, style="B" if last else "", size=_NORMAL)
            self._pdf.set_x(-_MARGIN - 80)
            self._pdf.cell(50, 5.5, printable(name))
            self._pdf.cell(
                30, 5.5, in_units(amount, currency, grouped=True), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT
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
        self._pdf.multi_cell(width, size * 0.5, printable(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")
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


def days(period: Period) -> str:
    """The time from when to when."""
    return f"{period.start:%Y-%m-%d %H:%M} to {period.end:%Y-%m-%d %H:%M} UTC"


def day(moment: datetime) -> str:
    """A date."""
    return f"{moment:%Y-%m-%d}"


def printable(text: str) -> str:
    """At most so much of a text that it fits on a page."""
    return "\n".join(line[:_MOST_CHARACTERS] for line in text.splitlines())


def of_taxes(taxes: Iterable[TaxAmount]) -> list[tuple[str, int]]:
    """Rows of totals."""
    return [(f"{tax.name} {decimal_text(tax.percent)} %", tax.amount) for tax in taxes]
