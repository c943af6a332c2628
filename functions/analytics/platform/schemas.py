"""The platform's figures as the API shows them."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field

from analytics.platform.models import (
    Figures,
    FunctionFigures,
    Interval,
    PlatformFigures,
    QueueFigures,
    takes_dead_letters,
)
from analytics.usage.schemas import Moment
from llmo_core.model import Model

type Count = Annotated[int, Field(ge=0)]
_DIGITS = 3


class PlatformParameters(Model):
    """Which range to show."""

    model_config = ConfigDict(populate_by_name=True)

    from_: Moment | None = Field(
        None, alias="from", description="RFC 3339 or a UTC date. An hour before `to` when left out."
    )
    to: Moment | None = Field(None, description="RFC 3339 or a UTC date; exclusive. Now when left out.")
    interval: Interval | Literal["auto"] = Field(
        "auto", description="Steps of the series; `auto` is the shortest that makes at most 200."
    )


class DurationOut(Model):
    """How long invocations took, in milliseconds."""

    average: float
    p50: float | None
    p95: float | None
    p99: float | None


class FunctionFiguresOut(Model):
    """What a function did. `duration_ms` is null where nothing ran."""

    invocations: Count
    errors: Count
    throttles: Count
    cold_starts: Count
    duration_ms: DurationOut | None

    @classmethod
    def of(cls, figures: FunctionFigures) -> Self:
        """Show figures."""
        average = figures.average
        return cls(
            invocations=figures.invocations,
            errors=figures.errors,
            throttles=figures.throttles,
            cold_starts=figures.cold_starts,
            duration_ms=None
            if average is None
            else DurationOut(
                average=round(average, _DIGITS),
                p50=_rounded(figures.p50),
                p95=_rounded(figures.p95),
                p99=_rounded(figures.p99),
            ),
        )


class FunctionStepOut(FunctionFiguresOut):
    """What a function did in a step."""

    time: datetime


class FunctionOut(Model):
    """A function, by its name in the template."""

    name: str
    totals: FunctionFiguresOut
    series: list[FunctionStepOut]


class QueueFiguresOut(Model):
    """The longest that a message had waited, in seconds, and the most that waited at once."""

    oldest_seconds: float | None
    waiting: int | None

    @classmethod
    def of(cls, figures: QueueFigures) -> Self:
        """Show figures."""
        return cls(oldest_seconds=_rounded(figures.oldest), waiting=figures.waiting)


class QueueStepOut(QueueFiguresOut):
    """What waited in a queue in a step."""

    time: datetime


class QueueOut(Model):
    """A queue, by its name in the stack. One of dead letters holds what could not be handled: it should be empty."""

    name: str
    dead_letters: bool
    totals: QueueFiguresOut
    series: list[QueueStepOut]


class PlatformTotalsOut(Model):
    """All functions and queues together.

    `dead_letters` is the sum of the most that lay in each queue of dead letters, `oldest_seconds` the longest that a
    message had waited in any other.
    """

    invocations: Count
    errors: Count
    throttles: Count
    cold_starts: Count
    dead_letters: Count
    oldest_seconds: float | None


class PlatformOut(Model):
    """How the platform did in whole steps that hold the range.

    Steps of which CloudWatch knows nothing are left out, and so are functions and queues of which it has known nothing
    for two weeks. `complete` is false when it could not tell everything.
    """

    model_config = ConfigDict(populate_by_name=True)

    from_: datetime = Field(alias="from")
    to: datetime
    interval: Interval
    complete: bool
    totals: PlatformTotalsOut
    functions: list[FunctionOut]
    queues: list[QueueOut]

    @classmethod
    def of(cls, found: PlatformFigures) -> Self:
        """Show figures."""
        return cls(
            from_=found.window.start,
            to=found.window.end,
            interval=found.window.interval,
            complete=found.complete,
            totals=_totals(found),
            functions=[_function(each) for each in found.functions],
            queues=[_queue(each) for each in found.queues],
        )


def _totals(found: PlatformFigures) -> PlatformTotalsOut:
    functions = [each.total for each in found.functions]
    dead = [each.total.waiting or 0 for each in found.queues if takes_dead_letters(each.name)]
    ages = [each.total.oldest for each in found.queues if not takes_dead_letters(each.name)]
    return PlatformTotalsOut(
        invocations=sum(each.invocations for each in functions),
        errors=sum(each.errors for each in functions),
        throttles=sum(each.throttles for each in functions),
        cold_starts=sum(each.cold_starts for each in functions),
        dead_letters=sum(dead),
        oldest_seconds=_rounded(max((age for age in ages if age is not None), default=None)),
    )


def _function(figures: Figures[FunctionFigures]) -> FunctionOut:
    return FunctionOut(
        name=figures.name,
        totals=FunctionFiguresOut.of(figures.total),
        series=[
            FunctionStepOut(time=moment, **FunctionFiguresOut.of(step).model_dump())
            for moment, step in figures.steps.items()
        ],
    )


def _queue(figures: Figures[QueueFigures]) -> QueueOut:
    return QueueOut(
        name=figures.name,
        dead_letters=takes_dead_letters(figures.name),
        totals=QueueFiguresOut.of(figures.total),
        series=[
            QueueStepOut(time=moment, **QueueFiguresOut.of(step).model_dump()) for moment, step in figures.steps.items()
        ],
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
