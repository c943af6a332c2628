"""How far a value lies from what it usually is, by a score that a few odd weeks do not spoil.

The robust z-score is 0.6745 · (value - median) / MAD, where MAD is the median of the absolute deviations from the
median; 3.5 is the usual bound. Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers (ASQC, 1993).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from analytics.querying.models import Metric

BOUND: Final = 3.5
FEWEST_WEEKS: Final = 3
_NORMAL: Final = 0.6745
_USUAL_SHARE: Final = 0.1  # of the median: that far, values of the same hour differ for no reason

LOOKED_AT: Final[Mapping[Metric, float]] = {
    Metric.REQUESTS: 10,
    Metric.COST_USD: 0.10,
    Metric.ERROR_RATE: 0.02,
    Metric.LATENCY_P95: 50,
}
"""Metrics with the deviation that is never worth telling of, in their own unit."""


@dataclass(frozen=True, slots=True)
class Score:
    """How far off.

    Attributes:
        expected: The median of the past.
        score: Negative below it.
    """

    expected: float
    score: float

    @property
    def anomalous(self) -> bool:
        """Whether it is worth telling of."""
        return abs(self.score) > BOUND


def scored(value: float, past: Sequence[float], metric: Metric) -> Score | None:
    """How far a value lies from past ones; None where there are too few of these."""
    if len(past) < FEWEST_WEEKS:
        return None
    expected = median(past)
    deviation = median([abs(each - expected) for each in past])
    least = max(_USUAL_SHARE * abs(expected), LOOKED_AT[metric]) * _NORMAL
    return Score(expected, _NORMAL * (value - expected) / max(deviation, least))
