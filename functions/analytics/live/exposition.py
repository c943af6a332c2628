"""An organization's usage of the calendar month in Prometheus' text format.

Counters begin again with each month (UTC), as those of a process do when it restarts: `rate()` and `increase()` know
that. Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from analytics.percentiles import Histogram, middle
from analytics.rollups.models import Granularity, Value
from analytics.rollups.reading import Look, Reading
from analytics.rollups.tallies import COUNTS, Tally, dollars
from analytics.usage.models import Dimension
from llmo_core.clock import Clock

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BOUNDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_TOKENS: Final = {
    "input": "input_tokens",
    "cached_input": "cached_input_tokens",
    "output": "output_tokens",
    "reasoning": "reasoning_tokens",
}

type Labelled = Mapping[tuple[Value, ...], Tally]


class Exposition:
    """Writes what monitoring reads."""

    def __init__(self, *, reading: Reading, clock: Clock) -> None:
        self._reading = reading
        self._clock = clock

    async def text(self, org_id: UUID) -> bytes:
        """The organization's month until now. Raises StoreUnavailable, TooSlow, TooManyCalls."""
        now = self._clock.now()
        start: datetime = Granularity.DAY.floor(now).replace(day=1)
        tallies = await self._reading.tallies(
            Look(
                org_id=org_id,
                steps=[(start, now + timedelta(milliseconds=1))],
                dimensions=(Dimension.MODEL, Dimension.PROVIDER, Dimension.STATUS),
                sketches=("latency", "ttft"),
            )
        )
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Families({group: tally for (_, group), tally in tallies.items()}))
        return generate_latest(registry)


class _Families(Collector):
    def __init__(self, by_status: Labelled) -> None:
        self._by_status = dict(sorted(by_status.items(), key=lambda each: [str(value) for value in each[0]]))
        self._by_model: dict[tuple[Value, ...], Tally] = {}
        for (model, provider, _), tally in self._by_status.items():
            self._by_model.setdefault((model, provider), Tally()).merge(tally)

    def collect(self) -> Iterator[Metric]:
        """The metrics, family by family."""
        requests = CounterMetricFamily(
            "llmo_requests", "LLM calls of the month.", labels=["model", "provider", "status"]
        )
        for labels, tally in self._by_status.items():
            requests.add_metric(_texts(labels), tally.requests)
        yield requests
        tokens = CounterMetricFamily("llmo_tokens", "Tokens of the month.", labels=["model", "provider", "kind"])
        for labels, tally in self._by_model.items():
            for kind, name in _TOKENS.items():
                tokens.add_metric([*_texts(labels), kind], tally.counts[COUNTS.index(name)])
        yield tokens
        yield self._counter("llmo_cache_hits", "Calls answered from the cache.", _hits(self._by_model))
        yield self._counter("llmo_cost_usd", "US dollars that calls cost.", _dollars(self._by_model, "cost"))
        yield self._counter("llmo_saved_usd", "US dollars that were saved.", _dollars(self._by_model, "saved"))
        yield self._histogram("llmo_request_duration_seconds", "How long calls took.", "latency")
        yield self._histogram("llmo_time_to_first_token_seconds", "How long the first token took.", "ttft")

    def _counter(self, name: str, said: str, values: Iterable[tuple[Sequence[Value], float]]) -> Metric:
        family = CounterMetricFamily(name, said, labels=["model", "provider"])
        for labels, value in values:
            family.add_metric(_texts(labels), value)
        return family

    def _histogram(self, name: str, said: str, sketch: str) -> Metric:
        family = HistogramMetricFamily(name, said, labels=["model", "provider"])
        for labels, tally in self._by_model.items():
            buckets, total = _cumulative(getattr(tally, sketch))
            family.add_metric(_texts(labels), buckets, total)
        return family


def _hits(by_model: Labelled) -> Iterator[tuple[Sequence[Value], float]]:
    for labels, tally in by_model.items():
        yield labels, tally.counts[COUNTS.index("cache_hits")]


def _dollars(by_model: Labelled, name: str) -> Iterator[tuple[Sequence[Value], float]]:
    for labels, tally in by_model.items():
        yield labels, float(dollars(getattr(tally, name)))


def _cumulative(histogram: Histogram) -> tuple[list[tuple[str, float]], float]:
    """Prometheus' buckets, and the sum of all values in seconds, each value within 1 %."""
    seconds = sorted((middle(bucket) / 1000, count) for bucket, count in histogram.items())
    buckets: list[tuple[str, float]] = [
        (str(bound), sum(count for value, count in seconds if value <= bound)) for bound in _BOUNDS
    ]
    buckets.append(("+Inf", sum(count for _, count in seconds)))
    return buckets, sum(value * count for value, count in seconds)


def _texts(labels: Sequence[Value]) -> list[str]:
    return [value or "" for value in labels]
