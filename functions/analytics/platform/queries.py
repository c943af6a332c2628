"""The questions to CloudWatch, and what its answers come to. Pure: the calls are made in `cloudwatch`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from analytics.platform.models import Figures, FunctionFigures, QueueFigures, Window
from llmo_core.cold_starts import METRIC, NAMESPACE

_FUNCTIONS: Final = "AWS/Lambda"
_QUEUES: Final = "AWS/SQS"
_FUNCTION: Final = "FunctionName"
_QUEUE: Final = "QueueName"
_PERCENTILES: Final = ("p50", "p95", "p99")
_ADDED_UP: Final = frozenset({"Sum", "SampleCount"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """One statistic of one metric.

    Attributes:
        of: `function` or `queue`, and its name.
        figure: What it is called here.
        whole: Whether it is wanted of the whole window rather than step by step.
    """

    of: tuple[str, str]
    figure: str
    namespace: str
    metric: str
    dimension: str
    physical: str
    statistic: str
    whole: bool = False

    def query(self, query_id: str, window: Window) -> dict[str, Any]:
        """The element of GetMetricData's `MetricDataQueries`."""
        length = (window.end - window.start) if self.whole else window.interval.length
        return {
            "Id": query_id,
            "MetricStat": {
                "Metric": {
                    "Namespace": self.namespace,
                    "MetricName": self.metric,
                    "Dimensions": [{"Name": self.dimension, "Value": self.physical}],
                },
                "Period": round(length.total_seconds()),
                "Stat": self.statistic,
            },
        }


def of_functions(functions: Mapping[str, str]) -> Iterator[Wanted]:
    """What is asked of functions, each under its name with that which CloudWatch knows it by."""
    for name, physical in functions.items():
        yield from _of_function(name, physical)


def of_queues(queues: Mapping[str, str]) -> Iterator[Wanted]:
    """What is asked of queues, each under its name with that which CloudWatch knows it by."""
    for name, physical in queues.items():
        of = ("queue", name)
        yield Wanted(of, "oldest", _QUEUES, "ApproximateAgeOfOldestMessage", _QUEUE, physical, "Maximum")
        yield Wanted(of, "waiting", _QUEUES, "ApproximateNumberOfMessagesVisible", _QUEUE, physical, "Maximum")


def _of_function(name: str, physical: str) -> Iterator[Wanted]:
    of = ("function", name)
    for figure, metric in (("invocations", "Invocations"), ("errors", "Errors"), ("throttles", "Throttles")):
        yield Wanted(of, figure, _FUNCTIONS, metric, _FUNCTION, physical, "Sum")
    yield Wanted(of, "cold_starts", NAMESPACE, METRIC, _FUNCTION, physical, "Sum")
    yield Wanted(of, "duration", _FUNCTIONS, "Duration", _FUNCTION, physical, "Sum")
    yield Wanted(of, "measured", _FUNCTIONS, "Duration", _FUNCTION, physical, "SampleCount")
    for percentile in _PERCENTILES:
        for whole in (False, True):
            yield Wanted(of, percentile, _FUNCTIONS, "Duration", _FUNCTION, physical, percentile, whole=whole)


class Answers:
    """Gathers what CloudWatch answered, and sums it up."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, str], dict[datetime, dict[str, float]]] = {}
        self._whole: dict[tuple[str, str], dict[str, float]] = {}

    def add(self, wanted: Wanted, timestamps: Sequence[datetime], values: Sequence[float]) -> None:
        """Take points in. Where a page repeats a moment, counts add up, and the rest is the largest.

        A percentile of the whole window that comes in several parts is the largest of them: that of all together is
        never above it.
        """
        for moment, value in zip(timestamps, values, strict=True):
            figures = self._figures(wanted, moment)
            if wanted.statistic in _ADDED_UP:
                figures[wanted.figure] = figures.get(wanted.figure, 0) + value
            else:
                figures[wanted.figure] = max(figures.get(wanted.figure, value), value)

    def functions(self, names: Iterable[str]) -> Sequence[Figures[FunctionFigures]]:
        """The functions' figures, by name."""
        return [self._function(name) for name in sorted(names)]

    def queues(self, names: Iterable[str]) -> Sequence[Figures[QueueFigures]]:
        """The queues' figures, by name."""
        return [self._queue(name) for name in sorted(names)]

    def _figures(self, wanted: Wanted, moment: datetime) -> dict[str, float]:
        if wanted.whole:
            return self._whole.setdefault(wanted.of, {})
        return self._steps.setdefault(wanted.of, {}).setdefault(moment, {})

    def _function(self, name: str) -> Figures[FunctionFigures]:
        steps = self._steps.get(("function", name), {})
        summed: dict[str, float] = {}
        for step in steps.values():
            for figure, value in step.items():
                summed[figure] = summed.get(figure, 0) + value
        counts = {figure: value for figure, value in summed.items() if figure not in _PERCENTILES}
        return Figures(
            name,
            _function_figures(counts | self._whole.get(("function", name), {})),
            {moment: _function_figures(step) for moment, step in sorted(steps.items())},
        )

    def _queue(self, name: str) -> Figures[QueueFigures]:
        steps = {
            moment: QueueFigures(step.get("oldest"), _whole_number(step.get("waiting")))
            for moment, step in sorted(self._steps.get(("queue", name), {}).items())
        }
        ages = [step.oldest for step in steps.values() if step.oldest is not None]
        depths = [step.waiting for step in steps.values() if step.waiting is not None]
        return Figures(name, QueueFigures(max(ages, default=None), max(depths, default=None)), steps)


def _function_figures(found: Mapping[str, float]) -> FunctionFigures:
    measured, duration = found.get("measured"), found.get("duration")
    return FunctionFigures(
        invocations=_whole_number(found.get("invocations")) or 0,
        errors=_whole_number(found.get("errors")) or 0,
        throttles=_whole_number(found.get("throttles")) or 0,
        cold_starts=_whole_number(found.get("cold_starts")) or 0,
        average=duration / measured if measured and duration is not None else None,
        p50=found.get("p50"),
        p95=found.get("p95"),
        p99=found.get("p99"),
    )


def _whole_number(value: float | None) -> int | None:
    return None if value is None else round(value)
