"""What each metric is, of what calls add up to."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal
from typing import Final

from analytics.percentiles import Histogram, quantile
from analytics.querying.models import Metric, Value
from analytics.rollups.tallies import COUNTS, Tally, dollars

_COUNTED: Final = {Metric(name): index for index, name in enumerate(COUNTS)}
_SKETCH_OF: Final = {"latency_ms": "latency", "ttft_ms": "ttft", "output_tokens_per_second": "speed"}
_QUANTILES: Final[Mapping[Metric, tuple[str, float]]] = {
    metric: (_SKETCH_OF[metric.rpartition("_p")[0]], int(metric.rpartition("_p")[2]) / 100)
    for metric in Metric
    if metric.rpartition("_p")[0] in _SKETCH_OF
}
_SHOWN_DIGITS: Final = 3
_RATIO_DIGITS: Final = 6
_WIDE: Final = Context(prec=60)
_DOLLAR_PLACES: Final = Decimal("0.000000000001")


def sketches(metrics: Sequence[Metric]) -> tuple[str, ...]:
    """The histograms that some metrics need."""
    return tuple(sorted({_QUANTILES[metric][0] for metric in metrics if metric in _QUANTILES}))


def counts(metrics: Sequence[Metric]) -> frozenset[str]:
    """The columns of exact numbers that some metrics need."""
    return frozenset(name for metric in metrics for name in _NEEDED.get(metric, (metric.value,)))


def is_percentile(metric: Metric) -> bool:
    """Whether a metric is within 1 % of the truth."""
    return metric in _QUANTILES


def values(tally: Tally, metrics: Sequence[Metric]) -> tuple[Value, ...]:
    """The metrics of some calls, in their order."""
    return tuple([value(tally, metric) for metric in metrics])


def value(tally: Tally, metric: Metric) -> Value:
    """A metric of some calls."""
    if metric in _COUNTED:
        return tally.counts[_COUNTED[metric]]
    if metric in _QUANTILES:
        sketch, q = _QUANTILES[metric]
        histogram: Histogram = getattr(tally, sketch)
        return round(quantile(histogram, q), _SHOWN_DIGITS) if histogram else None
    return _COMPUTED[metric](tally)


def size(tally: Tally, metric: Metric) -> int | float | Decimal | None:
    """What groups are ordered by: as large as the metric, and dollars without the work of writing them down."""
    if metric in _DOLLARS:
        return _DOLLARS[metric](tally)
    return value(tally, metric)


def _count(tally: Tally, metric: Metric) -> int:
    return tally.counts[_COUNTED[metric]]


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, _RATIO_DIGITS) if whole else None


def _total_tokens(tally: Tally) -> int:
    return _count(tally, Metric.INPUT_TOKENS) + _count(tally, Metric.OUTPUT_TOKENS)


def _cost_per_request(tally: Tally) -> Decimal | None:
    if not tally.requests:
        return None
    return _WIDE.divide(dollars(tally.cost), tally.requests).quantize(_DOLLAR_PLACES, context=_WIDE)


_NEEDED: Final[Mapping[Metric, tuple[str, ...]]] = {
    Metric.ERROR_RATE: ("errors",),
    Metric.CACHE_HIT_RATIO: ("cache_hits",),
    Metric.TOTAL_TOKENS: ("input_tokens", "output_tokens"),
    Metric.COST_USD: ("cost",),
    Metric.SAVED_USD: ("saved",),
    Metric.SAVED_RATIO: ("saved", "cost"),
    Metric.COST_PER_REQUEST_USD: ("cost",),
    Metric.UNIQUE_USERS: (),
    **dict.fromkeys(_QUANTILES, ()),
}
_DOLLARS: Final[Mapping[Metric, Callable[[Tally], int]]] = {
    Metric.COST_USD: lambda tally: tally.cost,
    Metric.SAVED_USD: lambda tally: tally.saved,
}
_COMPUTED: Final[Mapping[Metric, Callable[[Tally], Value]]] = {
    Metric.ERROR_RATE: lambda tally: _ratio(_count(tally, Metric.ERRORS), tally.requests),
    Metric.CACHE_HIT_RATIO: lambda tally: _ratio(_count(tally, Metric.CACHE_HITS), tally.requests),
    Metric.TOTAL_TOKENS: _total_tokens,
    Metric.COST_USD: lambda tally: dollars(tally.cost),
    Metric.SAVED_USD: lambda tally: dollars(tally.saved),
    Metric.SAVED_RATIO: lambda tally: _ratio(tally.saved, tally.saved + tally.cost),
    Metric.COST_PER_REQUEST_USD: _cost_per_request,
    Metric.UNIQUE_USERS: lambda tally: tally.unique_users()[0],
}
