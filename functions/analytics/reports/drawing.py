"""The chart of an answer: its first metric, along time where the question has an interval, else by group."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from analytics.querying.models import Answer, Metric, Row, Value
from analytics.querying.steps import steps, zone
from analytics.reports.metric_texts import NOBODY, adds_up, is_ratio, time_text, title, unit
from analytics.reports.models import ChartKind, Definition
from analytics.rollups.models import OTHERS
from llmo_documents.charts.layout import COLORS
from llmo_documents.charts.models import Chart, Series
from llmo_documents.charts.models import ChartKind as Drawn

_MOST_BARS: Final = 30

type Group = tuple[str | None, ...]

_REST: Final[Group] = (OTHERS,)


def chart_of(definition: Definition, answer: Answer) -> Chart | None:
    """The chart; None for a table."""
    if definition.chart is ChartKind.TABLE:
        return None
    metric = answer.question.metrics[0]
    along_time = answer.question.interval is not None
    labels, series = _along_time(answer) if along_time else _by_group(answer)
    # What they come to is known of the whole period alone.
    left_out = ", without the groups beyond the limit" if along_time and answer.others is not None else ""
    return Chart(
        kind=Drawn(definition.chart.value),
        title=definition.name,
        note=f"{title(metric)}, {period(answer)}{left_out}",
        unit=unit(metric),
        labels=labels,
        series=series,
    )


def period(answer: Answer) -> str:
    """From when to when the answer is about, by the clock of the question's time zone."""
    question = answer.question
    start, end = (moment.astimezone(zone(question.time_zone)) for moment in (question.start, question.end))
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} ({question.time_zone})"


def group_text(group: Group) -> str:
    """A group's name."""
    return ", ".join(NOBODY if value is None else value for value in group)


def _along_time(answer: Answer) -> tuple[Sequence[str], Sequence[Series]]:
    question, metric = answer.question, answer.question.metrics[0]
    if question.interval is None:
        raise ValueError("a question without an interval has no steps")
    where = zone(question.time_zone)
    moments = [step.label for step in steps(question.start, question.end, question.interval, where)]
    by_group: dict[Group, dict[datetime, float | None]] = {}
    for row in answer.rows:
        if row.time is not None:
            by_group.setdefault(row.group, {})[row.time] = _number(metric, row.values[0])
    missing = 0.0 if adds_up(metric) else None  # steps without calls have no row
    lines = {group: [found.get(at, missing) for at in moments] for group, found in by_group.items()}
    return [time_text(at, question.interval, where) for at in moments], _largest(lines, metric)


def _by_group(answer: Answer) -> tuple[Sequence[str], Sequence[Series]]:
    """Groups of the first dimension along the axis, and those of the second beside or above each other.

    What has no bar of its own, since it is too small or beyond the limit, is one more bar, where values add up.
    """
    metric = answer.question.metrics[0]
    names = _shown_names(answer.rows, metric)
    beyond = [row.values[0] for row in answer.rows if row.group and row.group[0] not in names]
    beyond += [answer.others[0]] if answer.others is not None else []
    rest = [OTHERS] if beyond and adds_up(metric) else []
    labels = [*(group_text((name,)) for name in names), *rest] or [title(metric)]
    by_second: dict[Group, list[float | None]] = {}
    for row in answer.rows:
        if not row.group or row.group[0] in names:
            series = by_second.setdefault(row.group[1:], [None] * len(labels))
            series[names.index(row.group[0]) if row.group else 0] = _number(metric, row.values[0])
    if rest:
        second = _REST if len(answer.question.dimensions) > 1 else ()
        series = by_second.setdefault(second, [None] * len(labels))
        series[-1] = sum(_number(metric, value) or 0.0 for value in beyond)
    return labels, _largest(by_second, metric)


def _shown_names(rows: Sequence[Row], metric: Metric) -> Sequence[str | None]:
    """The first dimension's values with the largest bars."""
    sizes: dict[str | None, float] = {}
    for row in rows:
        if row.group:
            sizes[row.group[0]] = sizes.get(row.group[0], 0.0) + (_number(metric, row.values[0]) or 0.0)
    return sorted(sizes, key=lambda name: -sizes[name])[:_MOST_BARS]


def _largest(lines: Mapping[Group, Sequence[float | None]], metric: Metric) -> Sequence[Series]:
    """As many as there are colours, the largest first; what the others add up to is the last one.

    Two groups may be printed alike: they are two series all the same.
    """

    def place(group: Group) -> tuple[bool, float, str]:
        return group == _REST, -sum(value or 0.0 for value in lines[group]), group_text(group)

    order = sorted(lines, key=place)
    whole = [Series(group_text(group) or title(metric), lines[group]) for group in order]
    if len(whole) <= len(COLORS) or not adds_up(metric):
        return whole[: len(COLORS)]
    shown, others = whole[: len(COLORS) - 1], whole[len(COLORS) - 1 :]
    summed = [sum(value or 0.0 for value in column) for column in zip(*(each.values for each in others), strict=True)]
    return [*shown, Series(OTHERS, summed)]


def _number(metric: Metric, value: Value) -> float | None:
    if value is None:
        return None
    return float(value) * (100 if is_ratio(metric) else 1)
