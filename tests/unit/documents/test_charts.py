"""Charts as PNG and in PDF."""

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from llmo_documents.charts.axis import axis
from llmo_documents.charts.layout import COLORS, drawing_of
from llmo_documents.charts.models import Chart, ChartKind, Path, Rectangle, Series, Text
from llmo_documents.charts.png import png_of
from llmo_documents.report_pdf import ReportPaper, pdf_of

AT = datetime(2026, 11, 1, 8, tzinfo=UTC)
KINDS = list(ChartKind)
ODD = "\u202eevil\u202c 日本 🎉 \x00\n Ω Кто"


def chart(
    kind: ChartKind,
    values: Sequence[Sequence[float | None]],
    *,
    title: str = "Cost by model",
    names: Sequence[str] = ("gpt-4o", "claude", "llama"),
) -> Chart:
    count = max((len(each) for each in values), default=0)
    return Chart(
        kind=kind,
        title=title,
        note="October 2026, Europe/Berlin",
        unit="US dollars",
        labels=[f"2026-10-{number + 1:02}" for number in range(count)],
        series=[Series(names[index % len(names)], each) for index, each in enumerate(values)],
    )


def paper(shown: Chart | None, rows: int = 3) -> ReportPaper:
    return ReportPaper(
        title="Cost by model",
        facts=[("Range", "2026-10-01 00:00 to 2026-11-01 00:00"), ("Time zone", "Europe/Berlin")],
        chart=shown,
        headings=["model", "cost_usd"],
        rows=[[f"model-{number}", f"{number}.50"] for number in range(rows)],
        numbers=[False, True],
        made_at=AT,
    )


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content)).convert("RGB")


def texts(shown: Chart) -> list[str]:
    return [mark.text for mark in drawing_of(shown).marks if isinstance(mark, Text)]


def pdf_text(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(content)).pages]


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_shows_every_series_in_its_colour(kind: ChartKind) -> None:
    image = opened(png_of(chart(kind, [[1.0, 2.5, 3.0], [2.0, 1.0, 0.5]])))

    colors = {color for _, color in image.getcolors(maxcolors=1 << 20) or []}
    assert image.size == (1440, 800)
    assert {COLORS[0], COLORS[1]} <= colors
    assert COLORS[2] not in colors


@pytest.mark.parametrize("kind", KINDS)
def test_a_chart_says_what_it_shows_when_where_and_in_which_unit(kind: ChartKind) -> None:
    said = texts(chart(kind, [[1.0, 2.5, 3.0], [2.0, 1.0, 0.5]]))

    assert {"Cost by model", "October 2026, Europe/Berlin", "US dollars", "gpt-4o", "claude"} <= set(said)
    assert {"0", "2026-10-01", "2026-10-03"} <= set(said)


def test_a_pdf_has_the_chart_as_text_and_vectors_and_then_the_table() -> None:
    shown = chart(ChartKind.STACKED_BAR, [[1.0, 2.5], [2.0, 1.0]])

    first, second = pdf_text(pdf_of(paper(shown)))

    for text in ("Cost by model", "Time zone", "Europe/Berlin", "US dollars", "gpt-4o", "claude", "2026-10-02"):
        assert text in first
    assert "model-2" in second
    assert "2.50" in second


def test_a_pdf_without_a_chart_has_its_table_on_the_first_page() -> None:
    [only] = pdf_text(pdf_of(paper(None)))

    assert "model-2" in only


def test_a_long_table_is_printed_in_part_and_says_so() -> None:
    *_, last = pdf_text(pdf_of(paper(None, rows=10_000)))

    assert "The first 500 of 10,000 rows" in last


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_chart_is_the_same_bytes(kind: ChartKind) -> None:
    shown = chart(kind, [[1.0, None, 3.0]])

    assert png_of(shown) == png_of(shown)
    assert pdf_of(paper(shown)) == pdf_of(paper(shown))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "values",
    [
        [],
        [[]],
        [[5.0]],
        [[0.0, 0.0]],
        [[None, None]],
        [[-3.0, 4.0], [-1.0, -2.0]],
        [[1e300, 1.7e308], [float("inf"), float("nan")]],
        [[5e-324, 1e-300]],
        [[10**400]],
        [[1e30, 1.0]],
        [[float(number % 97) for number in range(10_000)]] * 12,
    ],
    ids=["no series", "no points", "one", "zeros", "gaps", "negative", "infinite", "tiny", "huge", "wide", "10,000"],
)
def test_any_numbers_can_be_drawn(kind: ChartKind, values: list[list[float | None]]) -> None:
    shown = chart(kind, values, title=ODD, names=[ODD, "", "x" * 500])

    assert opened(png_of(shown)).size == (1440, 800)
    assert len(pdf_text(pdf_of(paper(shown)))) == 2


def test_what_has_no_values_says_so() -> None:
    assert "No data in this range" in texts(chart(ChartKind.LINE, [[None]]))
    assert "No data in this range" not in texts(chart(ChartKind.LINE, [[0.0]]))


def test_ten_thousand_bars_are_no_more_than_there_are_places_for() -> None:
    marks = drawing_of(chart(ChartKind.BAR, [[float(number) for number in range(10_000)]])).marks

    bars = [mark for mark in marks if isinstance(mark, Rectangle) and mark.color == COLORS[0]]
    assert 300 < len(bars) <= 480
    assert max(bar.height for bar in bars) > 200


def test_a_line_of_ten_thousand_points_keeps_its_peak() -> None:
    values: list[float | None] = [1.0] * 10_000
    values[5_003] = 900.0

    lines = [mark for mark in drawing_of(chart(ChartKind.LINE, [values])).marks if isinstance(mark, Path)]

    [line] = [mark for mark in lines if mark.color == COLORS[0]]
    assert len(line.points) < 4 * 720
    assert min(y for _, y in line.points) < 150


def test_labels_never_overlap() -> None:
    marks = drawing_of(chart(ChartKind.LINE, [[1.0] * 366])).marks

    dates = [mark.at[0] for mark in marks if isinstance(mark, Text) and mark.text.startswith("2026-10-")]
    gaps = [after - before for before, after in pairwise(dates)]
    assert 5 < len(dates) < 20
    assert min(gaps) > 40


@settings(max_examples=200)
@given(st.lists(st.floats(-1e250, 1e250), max_size=20))
def test_an_axis_holds_zero_and_all_values_in_few_even_steps(values: list[float]) -> None:
    found = axis(values)

    assert found.ticks[0] <= min([0.0, *values]) + found.step * 1e-9
    assert found.ticks[-1] >= max([0.0, *values]) - found.step * 1e-9
    assert 2 <= len(found.ticks) <= 8
    assert len({found.label(tick) for tick in found.ticks}) == len(found.ticks)
