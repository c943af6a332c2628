"""Percentiles that add up: histograms with the logarithmic buckets of DDSketch.

Counts of the same bucket simply add, over any groups of calls, and every percentile read from the sum is within 1 % of
the exact one. Source: https://arxiv.org/abs/1908.10693.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import ceil

from ddsketch.mapping import LogarithmicMapping

from llmo_core.model import Model

RELATIVE_ACCURACY = 0.01
_SMALLEST = 0.001  # a microsecond, in milliseconds: a logarithm needs a value above zero
_LARGEST = 1e11
_MAPPING = LogarithmicMapping(RELATIVE_ACCURACY)

type Histogram = Mapping[int, int]
"""How many values lie in each bucket."""


class Percentiles(Model):
    """Milliseconds that 50, 90, 95 and 99 % of the calls did not exceed, each within 1 %."""

    p50: float
    p90: float
    p95: float
    p99: float


def bucket(milliseconds: float) -> int:
    """The bucket of a duration; everything below a microsecond shares one, and so does everything above three years."""
    return int(_MAPPING.key(min(max(milliseconds, _SMALLEST), _LARGEST)))


def middle(index: int) -> float:
    """Milliseconds that every value of a bucket is within 1 % of."""
    return float(_MAPPING.value(index))


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """The histogram of all values together."""
    counts: Counter[int] = Counter()
    for histogram in histograms:
        counts.update(histogram)
    return counts


def quantile(histogram: Histogram, q: float) -> float:
    """The smallest of the values that at least the fraction `q` of them do not exceed, within 1 %.

    Of few calls the high percentiles are the slowest one: the one that somebody waited for.
    """
    rank = ceil(q * sum(histogram.values()))
    seen = 0
    for index in sorted(histogram):
        seen += histogram[index]
        if seen >= rank:
            return float(_MAPPING.value(index))
    raise ValueError("An empty histogram has no quantiles.")


def percentiles(histogram: Histogram) -> Percentiles | None:
    """The usual percentiles, to a thousandth of a millisecond; None without values."""
    if not histogram:
        return None
    p50, p90, p95, p99 = (round(quantile(histogram, q), 3) for q in (0.50, 0.90, 0.95, 0.99))
    return Percentiles(p50=p50, p90=p90, p95=p95, p99=p99)
