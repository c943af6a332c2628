"""Answers as files."""

import csv
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any
from uuid import UUID

import pytest
from arro3.io import read_parquet
from PIL import Image
from pypdf import PdfReader

from analytics.querying.models import Answer, Interval, Metric, Question, Row
from analytics.reports.drawing import chart_of
from analytics.reports.metric_texts import text
from analytics.reports.models import ChartKind, Definition, Format, Inquiry, NoChart, Visibility
from analytics.reports.ranges import RelativeRange
from analytics.reports.writing import FileWriter
from analytics.usage.models import Dimension
from llmo_documents.charts.layout import COLORS
from llmo_documents.charts.models import Chart

ORG = UUID(int=1)
START, END = datetime(2026, 10, 23, 22, tzinfo=UTC), datetime(2026, 10, 26, 23, tzinfo=UTC)
METRICS = (Metric.COST_USD, Metric.REQUESTS, Metric.ERROR_RATE, Metric.LATENCY_P95)
DAYS = [
    datetime(2026, 10, 23, 22, tzinfo=UTC),
    datetime(2026, 10, 24, 22, tzinfo=UTC),
    datetime(2026, 10, 25, 23, tzinfo=UTC),
]


def values(cost: str, requests: int) -> tuple[Any, ...]:
    return (Decimal(cost), requests, 0.25, 812.4)


def answer(rows: list[Row], *, dimensions: tuple[Dimension, ...], interval: Interval | None, **more: Any) -> Answer:
    question = Question(
        org_id=ORG,
        start=START,
        end=END,
        metrics=METRICS,
        dimensions=dimensions,
        interval=interval,
        time_zone="Europe/Berlin",
    )
    told = {"totals": values("12.5", 1204), "others": None, "approximate": {Metric.LATENCY_P95: "within 1 %"}, **more}
    return Answer(question=question, rows=tuple(rows), **told)


def definition(chart: ChartKind = ChartKind.STACKED_BAR) -> Definition:
    inquiry = Inquiry(metrics=METRICS, range=RelativeRange.LAST_7_DAYS, time_zone="Europe/Berlin")
    return Definition(
        name="Spend by model",
        inquiry=inquiry,
        chart=chart,
        formats=tuple(Format),
        visibility=Visibility.PRIVATE,
    )


SERIES = answer(
    [
        Row(time=DAYS[0], group=("gpt-4o",), values=values("0.000000000001", 4)),
        Row(time=DAYS[2], group=("gpt-4o",), values=values("2.5", 1200)),
        Row(time=DAYS[1], group=(None,), values=values("10", 3)),
    ],
    dimensions=(Dimension.MODEL,),
    interval=Interval.DAY,
)
GROUPS = answer(
    [
        Row(time=None, group=("=SUM(A1)", "p-1"), values=values("7", 4)),
        Row(time=None, group=("gpt-4o", "p-1"), values=values("2", 4)),
        Row(time=None, group=("gpt-4o", "p-2"), values=values("3", 4)),
    ],
    dimensions=(Dimension.MODEL, Dimension.PROJECT),
    interval=None,
    others=values("0.5", 9),
)


def written(kind: Format, said: Answer, chart: ChartKind = ChartKind.STACKED_BAR) -> bytes:
    return FileWriter().write(kind, definition(chart), said, made_at=END)


def drawn(said: Answer, chart: ChartKind = ChartKind.STACKED_BAR) -> Chart:
    found = chart_of(definition(chart), said)
    assert found is not None
    return found


def csv_rows(said: Answer) -> list[list[str]]:
    return list(csv.reader(StringIO(written(Format.CSV, said).decode(), newline="")))


def test_csv_has_steps_groups_and_exact_values() -> None:
    header, first, *_, last = csv_rows(SERIES)

    assert header == ["time", "model", "cost_usd", "requests", "error_rate", "latency_ms_p95"]
    assert first == ["2026-10-23T22:00:00.000000Z", "gpt-4o", "0.000000000001", "4", "0.25", "812.4"]
    assert last[:2] == ["2026-10-24T22:00:00.000000Z", ""]


def test_a_table_says_what_lies_beyond_the_limit_and_runs_no_formula() -> None:
    _, first, *_, last = csv_rows(GROUPS)

    assert first[:3] == ["'=SUM(A1)", "p-1", "7"]
    assert last[:4] == ["(others)", "(others)", "0.5", "9"]


def test_parquet_has_the_same_with_types() -> None:
    table = read_parquet(written(Format.PARQUET, SERIES)).read_all()

    assert list(table["cost_usd"].to_pylist()) == [Decimal("1E-12"), Decimal("2.5"), Decimal(10)]
    assert list(table["time"].to_pylist()) == [DAYS[0], DAYS[2], DAYS[1]]
    assert list(table["requests"].to_pylist()) == [4, 1200, 3]


def test_a_pdf_says_what_it_is_about_in_numbers_for_people() -> None:
    pages = [page.extract_text() for page in PdfReader(BytesIO(written(Format.PDF, SERIES))).pages]
    whole = "\n".join(pages)

    assert "Spend by model" in pages[0]
    assert "2026-10-24 00:00 to 2026-10-27 00:00 (Europe/Berlin)" in pages[0]
    for said in ("$12.50", "1,204", "25.0 %", "812 ms (within 1 %)", "US dollars", "(none)", "Total", "2026-10-26"):
        assert said in whole


def test_a_chart_goes_along_every_step_and_sums_are_nothing_where_there_were_no_calls() -> None:
    chart = drawn(SERIES)

    assert chart.labels == ["2026-10-24", "2026-10-25", "2026-10-26"]
    assert {series.name: list(series.values) for series in chart.series} == {
        "(none)": [0.0, 10.0, 0.0],
        "gpt-4o": [1e-12, 0.0, 2.5],
    }


def test_what_does_not_add_up_has_a_gap_where_there_were_no_calls() -> None:
    question = SERIES.question.model_copy(update={"metrics": (Metric.LATENCY_P95,)})
    rows = [row.model_copy(update={"values": (812.4,)}) for row in SERIES.rows]
    said = SERIES.model_copy(update={"question": question, "rows": tuple(rows)})

    assert [list(series.values) for series in drawn(said).series] == [[812.4, None, 812.4], [None, 812.4, None]]


def test_groups_stand_along_the_axis_and_those_of_the_second_dimension_in_colours() -> None:
    chart = drawn(GROUPS.model_copy(update={"others": None}))

    assert chart.labels == ["=SUM(A1)", "gpt-4o"]
    assert {series.name: list(series.values) for series in chart.series} == {"p-1": [7.0, 2.0], "p-2": [None, 3.0]}


def test_of_ten_thousand_groups_the_largest_are_drawn_and_the_others_are_one() -> None:
    rows = [Row(time=DAYS[0], group=(f"model-{number}",), values=values(str(number), 1)) for number in range(10_000)]
    series = answer(rows, dimensions=(Dimension.MODEL,), interval=Interval.DAY)
    groups = answer(
        [row.model_copy(update={"time": None}) for row in rows], dimensions=(Dimension.MODEL,), interval=None
    )

    along_time, by_group = drawn(series), drawn(groups)

    assert [each.name for each in along_time.series] == [*(f"model-{9999 - number}" for number in range(9)), "(others)"]
    assert sum(value or 0 for each in along_time.series for value in each.values) == sum(range(10_000))
    assert by_group.labels[0] == "model-9999"
    assert len(by_group.labels) == 31
    assert by_group.labels[-1] == "(others)"
    for kind in Format:
        assert written(kind, groups)


def test_an_empty_answer_is_a_file_of_each_kind() -> None:
    for interval in (None, Interval.HOUR):
        empty = answer([], dimensions=(), interval=interval, totals=(Decimal(0), 0, None, None))
        for kind in Format:
            assert written(kind, empty)


def test_one_value_alone_is_a_bar_and_a_total() -> None:
    one = answer([Row(time=None, group=(), values=values("7", 4))], dimensions=(), interval=None)

    assert [list(series.values) for series in drawn(one).series] == [[7.0]]
    assert "Total" in PdfReader(BytesIO(written(Format.PDF, one))).pages[1].extract_text()


def test_an_image_shows_the_groups_in_their_colours() -> None:
    image = Image.open(BytesIO(written(Format.PNG, SERIES))).convert("RGB")

    colors = {color for _, color in image.getcolors(maxcolors=1 << 20) or []}
    assert {COLORS[0], COLORS[1]} <= colors


def test_a_table_is_no_picture() -> None:
    with pytest.raises(NoChart):
        written(Format.PNG, SERIES, ChartKind.TABLE)


@pytest.mark.parametrize("kind", list(Format))
def test_the_same_answer_is_the_same_bytes(kind: Format) -> None:
    assert written(kind, GROUPS) == written(kind, GROUPS)


@pytest.mark.parametrize(
    ("metric", "value", "said"),
    [
        (Metric.COST_USD, Decimal("0.0000195"), "$0.00001950"),
        (Metric.COST_USD, Decimal("1234567.891"), "$1,234,567.89"),
        (Metric.COST_USD, Decimal(0), "$0.00"),
        (Metric.REQUESTS, 2**53, "9,007,199,254,740,992"),
        (Metric.SAVED_RATIO, 0.123456, "12.3 %"),
        (Metric.TTFT_P50, 9.87, "9.9 ms"),
        (Metric.LATENCY_P95, 81234.5, "81,234 ms"),
        (Metric.SPEED_P50, 48.16, "48.2 tokens/s"),
        (Metric.SPEED_P50, None, "—"),
    ],
)
def test_values_are_written_for_people(metric: Metric, value: Any, said: str) -> None:
    assert text(metric, value) == said


def test_groups_that_are_printed_alike_are_series_of_their_own() -> None:
    said = answer(
        [
            Row(time=DAYS[0], group=("a, b", "c"), values=values("1", 1)),
            Row(time=DAYS[0], group=("a", "b, c"), values=values("2", 1)),
            Row(time=DAYS[0], group=(None, "c"), values=values("3", 1)),
            Row(time=DAYS[0], group=("(none)", "c"), values=values("4", 1)),
        ],
        dimensions=(Dimension.MODEL, Dimension.PROJECT),
        interval=Interval.DAY,
    )

    series = drawn(said).series

    assert [(each.name, each.values[0]) for each in series] == [
        ("(none), c", 4),
        ("(none), c", 3),
        ("a, b, c", 2),
        ("a, b, c", 1),
    ]


def test_what_lies_beyond_the_limit_is_a_bar_of_its_own() -> None:
    chart = drawn(GROUPS)

    assert list(chart.labels) == ["=SUM(A1)", "gpt-4o", "(others)"]
    by_name = {each.name: list(each.values) for each in chart.series}
    assert by_name == {"p-1": [7, 2, None], "p-2": [None, 3, None], "(others)": [None, None, 0.5]}
    assert list(by_name)[-1] == "(others)"


def test_of_one_dimension_what_lies_beyond_the_limit_is_one_more_bar() -> None:
    rows = [Row(time=None, group=("a",), values=values("7", 4))]
    chart = drawn(answer(rows, dimensions=(Dimension.MODEL,), interval=None, others=values("0.5", 9)), ChartKind.BAR)

    assert list(chart.labels) == ["a", "(others)"]
    assert [list(each.values) for each in chart.series] == [[7, 0.5]]


def test_bars_and_what_has_none_add_up_to_all() -> None:
    rows = [Row(time=None, group=(f"m{number:02}",), values=values(str(number), 1)) for number in range(50)]
    chart = drawn(answer(rows, dimensions=(Dimension.MODEL,), interval=None, others=values("100", 9)), ChartKind.BAR)

    [series] = chart.series
    assert chart.labels[-1] == "(others)"
    assert sum(value or 0 for value in series.values) == sum(range(50)) + 100


def test_along_time_the_chart_says_that_it_leaves_out_what_lies_beyond_the_limit() -> None:
    limited = SERIES.model_copy(update={"others": values("0.5", 9)})

    assert drawn(limited).note.endswith(", without the groups beyond the limit")
    assert "limit" not in drawn(SERIES).note
