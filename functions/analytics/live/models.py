"""What an organization's calls of the last minute come to, as somebody watches them."""

from datetime import datetime, timedelta
from typing import Final

from analytics.querying.models import Answer, Metric
from llmo_core.errors import TooManyRequests
from llmo_core.model import Model

WINDOW: Final = timedelta(seconds=60)
COUNTED: Final = (
    Metric.REQUESTS,
    Metric.ERRORS,
    Metric.CACHE_HITS,
    Metric.INPUT_TOKENS,
    Metric.OUTPUT_TOKENS,
    Metric.COST_USD,
    Metric.SAVED_USD,
    Metric.LATENCY_P50,
    Metric.LATENCY_P95,
    Metric.TTFT_P95,
)


class Counters(Model):
    """The calls that started in the last minute, in all and by model.

    Attributes:
        at: The end of the minute.
    """

    at: datetime
    answer: Answer


class Beat(Model):
    """Nothing has changed."""


class Failed(Model):
    """The stream breaks off."""

    code: str
    detail: str


class Ended(Model):
    """The stream's time is over."""


type Message = Counters | Beat | Failed | Ended


class TooManyWatchers(TooManyRequests):
    """As many of the organization watch as may. Close one, or wait for five minutes."""
