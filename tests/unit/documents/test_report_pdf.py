"""Reports as PDF."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from llmo_documents.fonts import width_of
from llmo_documents.report_pdf import ReportPaper, pdf_of

SIZE = 10  # of the facts, in points
PAGE = 842  # A4 across, in points


def places(facts: list[tuple[str, str]]) -> dict[str, float]:
    """How far from the left the texts of the first page begin, in points."""
    paper = ReportPaper(
        title="Speed",
        facts=facts,
        chart=None,
        headings=["Model"],
        rows=[["gpt-4o"]],
        numbers=[False],
        made_at=datetime(2026, 8, 22, 6, tzinfo=UTC),
    )
    found: dict[str, float] = {}

    def visit(text: str, _transformation: Any, matrix: list[float], _font: Any, _size: float) -> None:
        if text.strip():
            found[text.strip()] = matrix[4]

    PdfReader(BytesIO(pdf_of(paper))).pages[0].extract_text(visitor_text=visit)
    return found


@pytest.mark.parametrize("longest", ["Made", "Time to first token p95", "Output tokens per second p95"])
def test_no_name_of_a_fact_runs_into_what_it_is(longest: str) -> None:
    found = places([("Made", "today"), (longest, "48.2 tokens/s")])

    assert found["48.2 tokens/s"] >= found[longest] + width_of(longest, SIZE)
    assert found["48.2 tokens/s"] == found["today"]


def test_a_name_without_end_leaves_what_it_is_on_the_page() -> None:
    found = places([("x" * 200, "48.2 tokens/s")])

    assert found["48.2 tokens/s"] <= PAGE / 2 + 3  # the padding of a cell
