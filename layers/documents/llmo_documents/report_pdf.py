"""Reports as PDF: what was asked, a chart, and the table that it was drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

from llmo_documents.charts.layout import drawing_of
from llmo_documents.charts.models import Anchor, Chart, Dot, Drawing, Path, Rectangle, Text
from llmo_documents.fonts import fitting, font_file, one_line, width_of

_FONT = "Open Sans"
_MARGIN = 36
_GAP = 16
_LARGE, _NORMAL, _SMALL = 18, 10, 8
_GREY = 110
_MOST_ROWS = 500
_MOST_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class ReportPaper:
    """What is printed.

    Attributes:
        facts: Names and what they are, such as the range and its time zone.
        headings: Of the table.
        rows: Texts as they are shown; the first 500 are printed.
        numbers: Which columns are aligned to the right.
        made_at: Stands in the document's properties, so that it is the same bytes for the same moment.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    chart: Chart | None
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[bool]
    made_at: datetime


def pdf_of(paper: ReportPaper) -> bytes:
    """A4 across, in as many pages as the table takes."""
    pdf = FPDF(orientation="landscape", format="A4", unit="pt")
    pdf.set_margin(_MARGIN)
    pdf.set_auto_page_break(auto=True, margin=_MARGIN)
    pdf.add_font(_FONT, "", font_file())
    pdf.add_font(_FONT, "B", font_file(bold=True))
    pdf.set_title(one_line(paper.title))
    pdf.set_creation_date(paper.made_at)
    pdf.add_page()
    pdf.set_font(_FONT, "B", _LARGE)
    pdf.multi_cell(0, _LARGE * 1.4, one_line(paper.title), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")
    _facts(pdf, paper.facts)
    if paper.chart is not None:
        _draw(pdf, drawing_of(paper.chart))
    _table(pdf, paper)
    return bytes(pdf.output())


def _facts(pdf: FPDF, facts: Sequence[tuple[str, str]]) -> None:
    """Names beside what they are; the column of names is as wide as the widest, and as half of the page at most."""
    pdf.set_font(_FONT, size=_NORMAL)
    most = pdf.epw / 2 - _GAP
    names = [fitting(name, _NORMAL, most) for name, _ in facts]
    width = max((width_of(name, _NORMAL) for name in names), default=0) + _GAP
    for name, (_, value) in zip(names, facts, strict=True):
        pdf.set_text_color(_GREY)
        pdf.cell(width, 14, name)
        pdf.set_text_color(0)
        pdf.multi_cell(0, 14, one_line(value), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")
    pdf.ln(8)


def _table(pdf: FPDF, paper: ReportPaper) -> None:
    if paper.chart is not None:
        pdf.add_page()
    pdf.set_font(_FONT, size=_SMALL)
    pdf.set_text_color(0)
    with pdf.table(
        text_align=tuple("RIGHT" if number else "LEFT" for number in paper.numbers),
        headings_style=FontFace(emphasis="BOLD", fill_color=240),
        borders_layout="HORIZONTAL_LINES",
        line_height=12,
        padding=2,
    ) as table:
        table.row([one_line(heading, _MOST_CHARACTERS) for heading in paper.headings])
        for row in paper.rows[:_MOST_ROWS]:
            table.row([one_line(text, _MOST_CHARACTERS) for text in row])
    if len(paper.rows) > _MOST_ROWS:
        pdf.ln(6)
        pdf.set_text_color(_GREY)
        pdf.cell(0, 12, f"The first {_MOST_ROWS:,} of {len(paper.rows):,} rows. The CSV and Parquet files have all.")


def _draw(pdf: FPDF, drawing: Drawing) -> None:
    """As vectors, across the page's width."""
    scale = min(pdf.epw / drawing.width, (pdf.h - _MARGIN - pdf.get_y()) / drawing.height)
    left, top = pdf.l_margin, pdf.get_y()
    with pdf.local_context():
        for mark in drawing.marks:
            match mark:
                case Rectangle(at=(x, y)):
                    pdf.set_fill_color(mark.color)
                    pdf.rect(left + x * scale, top + y * scale, mark.width * scale, mark.height * scale, style="F")
                case Path():
                    pdf.set_draw_color(mark.color)
                    pdf.set_line_width(mark.width * scale)
                    pdf.polyline([(left + x * scale, top + y * scale) for x, y in mark.points])
                case Dot(at=(x, y)):
                    pdf.set_fill_color(mark.color)
                    pdf.circle(left + x * scale, top + y * scale, mark.radius * scale, style="F")
                case Text():
                    _write(pdf, mark, left, top, scale)
    pdf.set_y(top + drawing.height * scale)


def _write(pdf: FPDF, mark: Text, left: float, top: float, scale: float) -> None:
    size = mark.size * scale
    pdf.set_font(_FONT, "B" if mark.bold else "", size)
    pdf.set_text_color(mark.color)
    before = {Anchor.LEFT: 0.0, Anchor.MIDDLE: 0.5, Anchor.RIGHT: 1.0}[mark.anchor]
    x = left + mark.at[0] * scale - before * width_of(mark.text, size, bold=mark.bold)
    pdf.text(x, top + mark.at[1] * scale + size * 0.36, mark.text)
