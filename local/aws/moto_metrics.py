"""moto's CloudWatch, fast enough to be asked for a whole platform, with percentiles, and bounded.

moto keeps each value as an object for ever, goes through all of them for each step of each question, and knows no
percentiles. Here a metric is a series of at most so many points, the oldest of which are forgotten. Metric math and
units are left out: nothing of the platform asks for them.
"""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.models import CloudWatchBackend, MetricDatum

MOST_POINTS: Final = 20_000
"""Of one metric."""

type Dimensions = tuple[tuple[str, str], ...]
type Key = tuple[str, str, Dimensions]


class Point(NamedTuple):
    """A value, at a second since the epoch, that was measured so often."""

    at: float
    value: float
    times: float


type Series = deque[Point]


def series_of(backend: CloudWatchBackend) -> dict[Key, Series]:
    """The metrics of a backend, by namespace, name and dimensions."""
    kept: dict[Key, Series] = backend.__dict__.setdefault("llmo_series", {})
    return kept


def add(backend: CloudWatchBackend, key: Key, points: Iterable[Point]) -> None:
    """Keep points of a metric; the oldest ones go where there are too many."""
    series_of(backend).setdefault(key, deque(maxlen=MOST_POINTS)).extend(points)


def put_metric_data(backend: CloudWatchBackend, namespace: str, metric_data: Sequence[Mapping[str, Any]]) -> None:
    """PutMetricData, with single values or values and how often each was measured; no statistics."""
    for datum in metric_data:
        if "StatisticValues" in datum:
            raise ValidationError("StatisticValues are not kept here.")
        at = _seconds(datum["Timestamp"]) if datum.get("Timestamp") else datetime.now(UTC).timestamp()
        values = datum.get("Values") or [datum.get("Value", 0)]
        counts = datum.get("Counts") or [1] * len(values)
        points = [
            Point(at, float(value), float(count)) for value, count in zip(values, counts, strict=True) if float(count)
        ]
        add(backend, (namespace, datum["MetricName"], dimensions_of(datum.get("Dimensions") or ())), points)


def get_metric_data(
    backend: CloudWatchBackend,
    queries: Sequence[Mapping[str, Any]],
    start_time: datetime,
    end_time: datetime,
    scan_by: str = "TimestampAscending",
) -> list[dict[str, Any]]:
    """GetMetricData of single metrics, all in one page; steps begin with the start."""
    if start_time >= end_time:
        raise ValidationError("The parameter EndTime must be greater than StartTime.")
    start, end = _seconds(start_time), _seconds(end_time)
    results = []
    for query in queries:
        if "MetricStat" not in query:
            raise ValidationError("Metric math is not worked out here.")
        stat = query["MetricStat"]
        metric = stat["Metric"]
        key = (metric["Namespace"], metric["MetricName"], dimensions_of(metric.get("Dimensions") or ()))
        steps = _steps(series_of(backend).get(key, ()), start, end, int(stat["Period"]))
        worked_out = statistic(stat["Stat"])
        points = [(at, worked_out(values)) for at, values in sorted(steps.items(), reverse="Desc" in scan_by)]
        results.append(
            {
                "id": query["Id"],
                "label": query.get("Label") or metric["MetricName"],
                "timestamps": [datetime.fromtimestamp(at, UTC).replace(tzinfo=None) for at, _ in points],
                "values": [value for _, value in points],
                "status_code": "Complete",
            }
        )
    return results


def get_filtered_metrics(
    backend: CloudWatchBackend, metric_name: str | None, namespace: str | None, dimensions: Sequence[Mapping[str, str]]
) -> list[MetricDatum]:
    """ListMetrics: those of this name and namespace that have these dimensions, of any value where none is given."""
    found = []
    for own_namespace, name, own in list(series_of(backend)):
        if (namespace and namespace != own_namespace) or (metric_name and metric_name != name):
            continue
        held = dict(own)
        if all(each["Name"] in held and each.get("Value") in {None, held[each["Name"]]} for each in dimensions or ()):
            shown = [{"Name": dimension, "Value": value} for dimension, value in own]
            found.append(MetricDatum(own_namespace, name, 0, shown, None))
    return found


def statistic(name: str) -> Callable[[Sequence[Point]], float]:
    """How a step's points become one number. Raises ValidationError for what is no statistic."""
    if name in _STATISTICS:
        return _STATISTICS[name]
    try:
        share = float(name.removeprefix("p")) / 100 if name.startswith("p") else math.nan
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise ValidationError(f"{name} is no statistic.")
    return lambda points: _percentile(points, share)


def dimensions_of(given: Iterable[Mapping[str, str]]) -> Dimensions:
    """Dimensions in one order, whatever order they come in."""
    return tuple(sorted((each["Name"], each["Value"]) for each in given))


def mend() -> None:
    """Put the replacements into moto."""
    CloudWatchBackend.put_metric_data = put_metric_data  # type: ignore[assignment,method-assign]
    CloudWatchBackend.get_metric_data = get_metric_data  # type: ignore[assignment,method-assign]
    CloudWatchBackend.get_filtered_metrics = get_filtered_metrics  # type: ignore[assignment,method-assign]


def _steps(series: Iterable[Point], start: float, end: float, period: int) -> dict[float, list[Point]]:
    steps: dict[float, list[Point]] = {}
    for point in list(series):  # a copy: others add
        if start <= point.at < end:
            steps.setdefault(start + (point.at - start) // period * period, []).append(point)
    return steps


def _percentile(points: Sequence[Point], share: float) -> float:
    """By nearest rank."""
    ordered = sorted((point.value, point.times) for point in points)
    ranks = list(_running(count for _, count in ordered))
    return ordered[min(bisect_left(ranks, share * ranks[-1]), len(ordered) - 1)][0]


def _running(counts: Iterable[float]) -> Iterator[float]:
    total = 0.0
    for count in counts:
        total += count
        yield total


def _count(points: Sequence[Point]) -> float:
    return sum(point.times for point in points)


def _sum(points: Sequence[Point]) -> float:
    return sum(point.value * point.times for point in points)


_STATISTICS: Final[Mapping[str, Callable[[Sequence[Point]], float]]] = {
    "Sum": _sum,
    "SampleCount": _count,
    "Average": lambda points: _sum(points) / _count(points),
    "Minimum": lambda points: min(point.value for point in points),
    "Maximum": lambda points: max(point.value for point in points),
}


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
