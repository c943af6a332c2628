"""What a chart shows, and what it is drawn of."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

type Color = tuple[int, int, int]
type Point = tuple[float, float]
"""Points (1/72 inch) from the left and from the top."""


class ChartKind(StrEnum):
    """How series are drawn."""

    LINE = "line"
    BAR = "bar"
    STACKED_BAR = "stacked_bar"


@dataclass(frozen=True, slots=True)
class Series:
    """Values at the chart's labels, in their order; None is a gap, and so is what is beyond 1e250 or no number."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    Attributes:
        title: What is shown.
        note: From when to when, and in which time zone.
        unit: What values are, such as `US dollars`; stands over their axis.
        labels: Of the positions along the horizontal axis.
        series: In the order of their colours. Only as many are drawn as there are colours.
    """

    kind: ChartKind
    title: str
    note: str
    unit: str
    labels: Sequence[str]
    series: Sequence[Series]


class Anchor(StrEnum):
    """Which end of a text is where it is put; vertically its middle is."""

    LEFT = "left"
    MIDDLE = "middle"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A filled rectangle, from its left upper corner."""

    at: Point
    width: float
    height: float
    color: Color


@dataclass(frozen=True, slots=True)
class Path:
    """Straight lines from point to point."""

    points: Sequence[Point]
    color: Color
    width: float


@dataclass(frozen=True, slots=True)
class Dot:
    """A filled circle."""

    at: Point
    radius: float
    color: Color


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text."""

    at: Point
    text: str
    size: float
    color: Color
    anchor: Anchor = Anchor.LEFT
    bold: bool = False


type Mark = Rectangle | Path | Dot | Text


@dataclass(frozen=True, slots=True)
class Drawing:
    """Marks, the later ones over the earlier ones."""

    width: float
    height: float
    marks: Sequence[Mark]
