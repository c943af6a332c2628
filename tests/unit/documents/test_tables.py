"""Tables as CSV, NDJSON and Parquet."""

import csv
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from arro3.io import read_parquet
from hypothesis import given
from hypothesis import strategies as st

from llmo_documents.csv_file import CsvFile
from llmo_documents.ndjson_file import NdjsonFile
from llmo_documents.parquet_file import ParquetFile
from llmo_documents.tables import Column, Kind, Row, TableFile

COLUMNS = [
    Column("model", Kind.TEXT),
    Column("input_tokens", Kind.INTEGER),
    Column("cost_usd", Kind.DECIMAL),
    Column("latency_ms", Kind.NUMBER),
    Column("started_at", Kind.MOMENT),
    Column("stream", Kind.FLAG),
]
AT = datetime(2026, 8, 17, 12, 15, 29, 123456, tzinfo=timezone(timedelta(hours=2)))
STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
ROWS: list[Row] = [
    ["gpt-4o", 1200, Decimal("0.000019500000"), 812.25, AT, True],
    ['=HYPERLINK("http://evil")', 0, Decimal("-1E-12"), -0.5, datetime(1969, 12, 31, tzinfo=UTC), False],
    [None, None, None, None, None, None],
]

DOLLARS = st.decimals(
    min_value=Decimal(-99999999999999999999999999), max_value=Decimal(99999999999999999999999999), places=12
)


def written(make: Callable[[Sequence[Column]], TableFile], *batches: Sequence[Row]) -> bytes:
    file = make(COLUMNS)
    for batch in batches:
        file.add(batch)
    return file.finished()


def csv_rows(text: bytes) -> list[list[str]]:
    return list(csv.reader(StringIO(text.decode(), newline="")))


def parquet_columns(content: bytes) -> dict[str, list[Any]]:
    table = read_parquet(content).read_all()
    return {name: list(table[name].to_pylist()) for name in table.column_names}


def test_csv_has_plain_numbers_and_runs_no_formula() -> None:
    header, first, second, third = csv_rows(written(CsvFile, ROWS[:1], ROWS[1:]))

    assert header == [column.name for column in COLUMNS]
    assert first == ["gpt-4o", "1200", "0.0000195", "812.25", "2026-08-17T10:15:29.123456Z", "true"]
    assert second[0] == '\'=HYPERLINK("http://evil")'
    assert second[2] == "-0.000000000001"
    assert third == ["", "", "", "", "", ""]


@pytest.mark.parametrize("start", STARTS)
def test_a_text_that_begins_like_a_formula_is_shown_and_not_run(start: str) -> None:
    [_, [cell, *_]] = csv_rows(written(CsvFile, [[start + "1+1", *ROWS[0][1:]]]))

    assert cell == f"'{start}1+1"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_csv_carries_any_text_through_a_reader(text: str) -> None:
    [_, [cell, *_]] = csv_rows(written(CsvFile, [[text, *ROWS[0][1:]]]))

    assert cell.removeprefix("'") == text.removeprefix("'")
    assert cell[:1] not in STARTS


def test_ndjson_has_decimals_as_text_and_a_line_for_each_row() -> None:
    first, second, third = written(NdjsonFile, ROWS[:1], ROWS[1:]).splitlines()

    assert json.loads(first) == {
        "model": "gpt-4o",
        "input_tokens": 1200,
        "cost_usd": "0.0000195",
        "latency_ms": 812.25,
        "started_at": "2026-08-17T10:15:29.123456Z",
        "stream": True,
    }
    assert json.loads(second)["model"].startswith("=HYPERLINK")
    assert set(json.loads(third).values()) == {None}


def test_parquet_has_types_and_gives_the_values_back() -> None:
    content = written(ParquetFile, ROWS[:1], ROWS[1:])

    types = [str(type_).strip() for type_ in read_parquet(content).schema.types]
    assert types[2] == "arro3.core.DataType<Decimal128(38, 12)>"
    assert types[4] == 'arro3.core.DataType<Timestamp(µs, "UTC")>'
    columns = parquet_columns(content)
    assert columns["model"] == [row[0] for row in ROWS]
    assert columns["cost_usd"] == [Decimal("0.0000195"), Decimal("-1E-12"), None]
    assert columns["started_at"] == [row[4] for row in ROWS]
    assert columns["stream"] == [True, False, None]


@given(st.lists(st.none() | DOLLARS, max_size=20))
def test_parquet_keeps_every_decimal_exactly(costs: list[Decimal | None]) -> None:
    content = written(ParquetFile, [["x", 1, cost, 1.0, AT, True] for cost in costs])

    assert parquet_columns(content)["cost_usd"] == costs


@pytest.mark.parametrize("cost", ["0.0000000000001", "1e26", "NaN", "Infinity"])
def test_parquet_refuses_a_decimal_that_it_would_have_to_change(cost: str) -> None:
    with pytest.raises(ValueError, match="a decimal"):
        written(ParquetFile, [["x", 1, Decimal(cost), 1.0, AT, True]])


@pytest.mark.parametrize("make", [CsvFile, NdjsonFile])
def test_the_size_of_a_file_is_known_while_it_is_written(make: Callable[[Sequence[Column]], TableFile]) -> None:
    file = make(COLUMNS)
    sizes = [file.size]
    for row in ROWS:
        file.add([row])
        sizes.append(file.size)

    assert sizes == sorted(set(sizes))
    assert sizes[-1] == len(file.finished())


def test_the_size_of_parquet_is_that_of_its_values_before_they_are_compressed() -> None:
    file = ParquetFile(COLUMNS)
    file.add([["x" * 100_000, *ROWS[0][1:]]] * 10)

    assert 1_000_000 <= file.size < 1_100_000
    assert len(file.finished()) < file.size


@pytest.mark.parametrize("make", [CsvFile, NdjsonFile, ParquetFile])
def test_a_table_without_rows_is_a_file_all_the_same(make: Callable[[Sequence[Column]], TableFile]) -> None:
    content = written(make, [])

    if make is CsvFile:
        assert csv_rows(content) == [[column.name for column in COLUMNS]]
    elif make is ParquetFile:
        assert parquet_columns(content)["cost_usd"] == []
    else:
        assert content == b""
