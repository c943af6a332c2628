"""Lines and bars within the axes of a chart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from llmo_documents.charts.axis import Axis
from llmo_documents.charts.models import Chart, ChartKind, Color, Dot, Mark, Path, Point, Rectangle, Series

_FILLED = 0.8  # of a position's width
_NARROWEST = 1.5  # points of a position, below which bars are not told apart
_DOTS = 40


@dataclass(frozen=True, slots=True)
class Plot:
    """Where values are drawn, in points from the drawing's left upper corner."""

    left: float
    top: float
    right: float
    bottom: float
    axis: Axis

    @property
    def width(self) -> float:
        """Points between left and right."""
        return self.right - self.left

    @property
    def middle(self) -> float:
        """Halfway between left and right."""
        return (self.left + self.right) / 2

    def height_of(self, value: float) -> float:
        """Where a value lies, vertically."""
        return self.bottom - self.axis.share(value) * (self.bottom - self.top)

    def middle_of(self, position: int, count: int) -> float:
        """Where the middle of one of so many positions lies, horizontally."""
        return self.left + (position + 0.5) * self.width / max(count, 1)


def plotted(chart: Chart, plot: Plot, colors: Sequence[Color]) -> Iterator[Mark]:
    """The values of a chart."""
    if chart.kind is ChartKind.LINE:
        for series, color in zip(chart.series, colors, strict=False):
            yield from _line(series, color, plot)
    else:
        yield from _bars(chart, plot, colors)


def _line(series: Series, color: Color, plot: Plot) -> Iterator[Mark]:
    count = len(series.values)
    for present, run in groupby(enumerate(series.values), key=lambda each: each[1] is not None):
        if not present:
            continue
        points = [(plot.middle_of(at, count), plot.height_of(value)) for at, value in run if value is not None]
        if len(points) > 1:
            yield Path(_thinned(points), color, 1.6)
        if len(points) == 1 or count <= _DOTS:
            yield from (Dot(point, 2.2, color) for point in points)


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    """The same line with at most four points on each point of width: the first, the lowest, the highest, the last."""
    kept: list[Point] = []
    for _, together in groupby(points, key=lambda point: int(point[0])):
        column = list(together)
        ends = (0, len(column) - 1)
        heights = [point[1] for point in column]
        chosen = {*ends, heights.index(min(heights)), heights.index(max(heights))}
        kept += [column[index] for index in sorted(chosen)]
    return kept


def _bars(chart: Chart, plot: Plot, colors: Sequence[Color]) -> Iterator[Mark]:
    positions = _told_apart(chart.series, int(plot.width / _NARROWEST))
    count = len(positions)
    slot = plot.width / max(count, 1)
    for number, position in enumerate(positions):
        values = [series.values[position] or 0.0 for series in chart.series]
        left = plot.left + number * slot + slot * (1 - _FILLED) / 2
        if chart.kind is ChartKind.STACKED_BAR:
            yield from _stack(values, left, slot * _FILLED, plot, colors)
        else:
            width = slot * _FILLED / max(len(values), 1)
            for index, (value, color) in enumerate(zip(values, colors, strict=False)):
                yield from _bar(0.0, value, left + index * width, width, plot, color)


def _told_apart(series: Sequence[Series], most: int) -> Sequence[int]:
    """At most so many positions: of neighbours that have no room the one that adds up to most stands for all."""
    count = max((len(one.values) for one in series), default=0)
    together = -(-count // max(most, 1)) or 1
    totals = [sum(abs(one.values[position] or 0.0) for one in series) for position in range(count)]
    return [
        max(range(start, min(start + together, count)), key=totals.__getitem__) for start in range(0, count, together)
    ]


def _stack(values: Sequence[float], left: float, width: float, plot: Plot, colors: Sequence[Color]) -> Iterator[Mark]:
    above, below = 0.0, 0.0
    for value, color in zip(values, colors, strict=False):
        start = above if value >= 0 else below
        yield from _bar(start, start + value, left, width, plot, color)
        if value >= 0:
            above += value
        else:
            below += value


def _bar(start: float, end: float, left: float, width: float, plot: Plot, color: Color) -> Iterator[Mark]:
    upper, lower = sorted((plot.height_of(start), plot.height_of(end)))
    if lower > upper:
        yield Rectangle((left, upper), width, lower - upper, color)
