"""Answers as files: tables with all that was asked for, and a chart. Only the worker imports this."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from analytics.querying.models import Answer, Metric, Value
from analytics.querying.steps import zone
from analytics.reports.drawing import chart_of, period
from analytics.reports.metric_texts import NOBODY, is_dollars, is_measured, is_ratio, text, time_text, title
from analytics.reports.models import Definition, Format, NoChart
from analytics.rollups.models import OTHERS
from llmo_core.csv_cells import CellValue
from llmo_documents.charts.png import png_of
from llmo_documents.csv_file import CsvFile
from llmo_documents.parquet_file import ParquetFile
from llmo_documents.report_pdf import ReportPaper, pdf_of
from llmo_documents.tables import Column, Kind, TableFile

_BATCH: Final = 5_000
_TOTAL: Final = "Total"


class FileWriter:
    """Writes answers as the layer of documents can."""

    def write(self, kind: Format, definition: Definition, answer: Answer, *, made_at: datetime) -> bytes:
        """A file: the same bytes for the same answer. Raises NoChart for a picture of a table."""
        if kind is Format.PDF:
            return pdf_of(_paper(definition, answer, made_at))
        if kind is Format.PNG:
            chart = chart_of(definition, answer)
            if chart is None:
                raise NoChart
            return png_of(chart)
        file: TableFile = CsvFile(_columns(answer)) if kind is Format.CSV else ParquetFile(_columns(answer))
        rows = _rows(answer)
        for start in range(0, len(rows), _BATCH):
            file.add(rows[start : start + _BATCH])
        return file.finished()


def _columns(answer: Answer) -> Sequence[Column]:
    question = answer.question
    time = [Column("time", Kind.MOMENT)] if question.interval is not None else []
    groups = [Column(dimension.value, Kind.TEXT) for dimension in question.dimensions]
    return [*time, *groups, *(Column(metric.value, _kind(metric)) for metric in question.metrics)]


def _kind(metric: Metric) -> Kind:
    if is_dollars(metric):
        return Kind.DECIMAL
    return Kind.NUMBER if is_ratio(metric) or is_measured(metric) else Kind.INTEGER


def _rows(answer: Answer) -> Sequence[Sequence[CellValue]]:
    """What was asked for, and what the groups beyond the limit add up to: nothing is missing from a column's sum."""
    timed = answer.question.interval is not None
    rows = [[*([row.time] if timed else []), *row.group, *row.values] for row in answer.rows]
    if answer.others is not None:
        rows.append([*([None] if timed else []), *([OTHERS] * len(answer.question.dimensions)), *answer.others])
    return rows


def _paper(definition: Definition, answer: Answer, made_at: datetime) -> ReportPaper:
    question = answer.question
    where = zone(question.time_zone)
    timed = question.interval is not None
    facts = [("Period", period(answer)), ("Made", f"{made_at.astimezone(where):%Y-%m-%d %H:%M} ({question.time_zone})")]
    facts += [(title(metric), text(metric, value) + _estimated(answer, metric)) for metric, value in _totals(answer)]
    rows = [
        [
            *([time_text(row.time, question.interval, where)] if row.time is not None else []),
            *(NOBODY if value is None else value for value in row.group),
            *(text(metric, value) for metric, value in zip(question.metrics, row.values, strict=True)),
        ]
        for row in answer.rows
    ]
    labels = int(timed) + len(question.dimensions)
    if answer.others is not None:
        others = zip(question.metrics, answer.others, strict=True)
        rows.append(_summary(OTHERS, labels, [text(metric, value) for metric, value in others]))
    rows.append(_summary(_TOTAL, labels, [text(metric, value) for metric, value in _totals(answer)]))
    headings = [*(["Time"] if timed else []), *(dimension.value for dimension in question.dimensions)]
    return ReportPaper(
        title=definition.name,
        facts=facts,
        chart=chart_of(definition, answer),
        headings=[*(headings or [""]), *(title(metric) for metric in question.metrics)],
        rows=rows if labels else rows[-1:],
        numbers=[*([False] * max(labels, 1)), *([True] * len(question.metrics))],
        made_at=made_at,
    )


def _totals(answer: Answer) -> Sequence[tuple[Metric, Value]]:
    return list(zip(answer.question.metrics, answer.totals, strict=True))


def _summary(name: str, labels: int, values: Sequence[str]) -> list[str]:
    return [name, *([""] * (max(labels, 1) - 1)), *values]


def _estimated(answer: Answer, metric: Metric) -> str:
    said = answer.approximate.get(metric)
    return f" ({said})" if said else ""
