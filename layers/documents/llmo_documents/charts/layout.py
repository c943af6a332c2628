"""Where everything of a chart goes. Pure: the same chart is the same drawing, to whatever it is drawn on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from llmo_documents.charts.axis import Axis, axis
from llmo_documents.charts.models import (
    Anchor,
    Chart,
    ChartKind,
    Color,
    Drawing,
    Mark,
    Path,
    Rectangle,
    Series,
    Text,
)
from llmo_documents.charts.plotting import Plot, plotted
from llmo_documents.fonts import fitting, one_line, width_of

WIDTH, HEIGHT = 720.0, 400.0
COLORS: Sequence[Color] = (
    (31, 119, 180),
    (255, 127, 14),
    (44, 160, 44),
    (214, 39, 40),
    (148, 103, 189),
    (140, 86, 75),
    (227, 119, 194),
    (127, 127, 127),
    (188, 189, 34),
    (23, 190, 207),
)
"""Of the series, in their order."""

_BLACK: Color = (33, 33, 33)
_GREY: Color = (110, 110, 110)
_LINES: Color = (225, 225, 225)
_WHITE: Color = (255, 255, 255)
_MARGIN = 16.0
_TITLE, _SMALL = 14.0, 9.0
_ROW = 15.0
_SWATCH = 9.0
_LEGEND_NAME = 150.0
_LABEL = 110.0
_GAP = 10.0
_HIGHEST = 1e250  # of which any number can be added up
_NOTHING = "No data in this range"


@dataclass(frozen=True, slots=True)
class _Scale:
    axis: Axis
    width: float


def drawing_of(chart: Chart) -> Drawing:
    """The chart on 720 by 400 points. Any chart can be drawn: empty, of one point, or of more than there are pixels."""
    chart = _drawable(chart)
    legend = list(_legend(chart.series)) if len(chart.series) > 1 else []
    rows = max((mark.at[1] for mark in legend if isinstance(mark, Text)), default=38.0)
    scale = _scale(chart)
    plot = Plot(
        left=_MARGIN + scale.width + 6,
        top=rows + 2 * _ROW,
        right=WIDTH - _MARGIN,
        bottom=HEIGHT - _MARGIN - _ROW,
        axis=scale.axis,
    )
    marks: list[Mark] = [
        Rectangle((0, 0), WIDTH, HEIGHT, _WHITE),
        Text((_MARGIN, 20), fitting(chart.title, _TITLE, WIDTH - 2 * _MARGIN, bold=True), _TITLE, _BLACK, bold=True),
        Text((_MARGIN, 38), fitting(chart.note, _SMALL, WIDTH - 2 * _MARGIN), _SMALL, _GREY),
        *legend,
        Text((_MARGIN, plot.top - 12), fitting(chart.unit, _SMALL, WIDTH / 2), _SMALL, _GREY),
        *_grid(plot),
        *_labels(chart, plot),
        *plotted(chart, plot, COLORS),
        Path([(plot.left, plot.height_of(0)), (plot.right, plot.height_of(0))], _GREY, 0.8),
    ]
    if not _values(chart):
        marks.append(Text((plot.middle, (plot.top + plot.bottom) / 2), _NOTHING, 12, _GREY, Anchor.MIDDLE))
    return Drawing(WIDTH, HEIGHT, marks)


def _drawable(chart: Chart) -> Chart:
    """The same with as many series as there are colours, and with nothing but numbers that can be added up."""
    count = len(chart.labels)
    series = [
        Series(one_line(each.name) or "—", [_finite(value) for value in each.values[:count]])
        for each in chart.series[: len(COLORS)]
    ]
    return replace(chart, series=series)


def _finite(value: float | None) -> float | None:
    try:
        number = float(value) if value is not None else None
    except OverflowError:
        return None
    return number if number is not None and abs(number) <= _HIGHEST else None


def _values(chart: Chart) -> list[float]:
    return [value for series in chart.series for value in series.values if value is not None]


def _scale(chart: Chart) -> _Scale:
    values = _values(chart)
    if chart.kind is ChartKind.STACKED_BAR:
        columns = [
            [value or 0.0 for value in column] for column in zip(*(each.values for each in chart.series), strict=True)
        ]
        values = [sum(value for value in column if value > 0) for column in columns]
        values += [sum(value for value in column if value < 0) for column in columns]
    found = axis(values)
    return _Scale(found, max(width_of(found.label(tick), _SMALL) for tick in found.ticks))


def _legend(series: Sequence[Series]) -> Iterator[Mark]:
    x, y = _MARGIN, 56.0
    for one, color in zip(series, COLORS, strict=False):
        name = fitting(one.name, _SMALL, _LEGEND_NAME)
        width = _SWATCH + 4 + width_of(name, _SMALL) + 14
        if x > _MARGIN and x + width > WIDTH - _MARGIN:
            x, y = _MARGIN, y + _ROW
        yield Rectangle((x, y - _SWATCH / 2), _SWATCH, _SWATCH, color)
        yield Text((x + _SWATCH + 4, y), name, _SMALL, _BLACK)
        x += width


def _grid(plot: Plot) -> Iterator[Mark]:
    for tick in plot.axis.ticks:
        y = plot.height_of(tick)
        yield Path([(plot.left, y), (plot.right, y)], _LINES, 0.6)
        yield Text((plot.left - 6, y), plot.axis.label(tick), _SMALL, _GREY, Anchor.RIGHT)


def _labels(chart: Chart, plot: Plot) -> Iterator[Mark]:
    """As many labels as have room, evenly; the first one always."""
    count = len(chart.labels)
    widest = min(_LABEL, max((width_of(one_line(label), _SMALL) for label in chart.labels[:2000]), default=0.0))
    every = max(1, ceil(count * (widest + _GAP) / max(plot.width, 1.0)))
    for position in range(0, count, every):
        label = fitting(chart.labels[position], _SMALL, widest + 1)
        half = width_of(label, _SMALL) / 2
        x = min(max(plot.middle_of(position, count), _MARGIN + half), WIDTH - _MARGIN - half)
        yield Text((x, plot.bottom + 12), label, _SMALL, _GREY, Anchor.MIDDLE)
