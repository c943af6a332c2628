"""Telling the stand-in's CloudWatch what functions did, every few seconds, beside everything else."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from itertools import batched, groupby
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from local.aws.client import stand_in_client
from local.metrics.embedded import Datum, LogTail, embedded
from local.metrics.meter import Measured, Meter
from local.triggers.clock import Clock, SystemClock

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 5.0
_NAMESPACE: Final = "AWS/Lambda"
_FUNCTION: Final = "FunctionName"
_VALUES_A_DATUM: Final = 150  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
_DATA_A_CALL: Final = 500  # a thousand may be: they are a megabyte at most as well
_TIMEOUTS: Final = {"connect_timeout": 5, "read_timeout": 10}


class MetricsPublisher:
    """Publishes what a meter counted and what logs say. What the stand-in does not take is lost.

    Args:
        meter: Counts invocations.
        logs: Where each function's log is.
        names: Each function's name on AWS, by the one in the template.
        endpoint_url: Where CloudWatch is.
        clock: Tells the time, and waits.
    """

    def __init__(
        self,
        meter: Meter,
        logs: Mapping[str, Path],
        *,
        names: Mapping[str, str],
        endpoint_url: str,
        clock: Clock | None = None,
    ) -> None:
        self._meter = meter
        self._tails = {function: LogTail(log) for function, log in logs.items()}
        self._names = names
        self._client = cache(lambda: stand_in_client("cloudwatch", endpoint_url, **_TIMEOUTS))
        self._clock = clock or SystemClock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to publish."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Publish no more. Safe to call twice."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def publish(self) -> None:
        """Publish what has come since the last time."""
        measured, now = self._meter.take(), self._clock.now()
        try:
            await asyncio.to_thread(self._put, measured, now)
        except (BotoCoreError, ClientError, OSError) as error:
            logger.warning("metrics are lost: %s", error)

    async def _run(self) -> None:
        while True:
            await self._clock.sleep(EVERY_SECONDS)
            await self.publish()

    def _put(self, measured: Mapping[str, Measured], now: datetime) -> None:
        data = [*self._counted(measured, now), *self._logged()]
        data.sort(key=lambda datum: datum.namespace)
        for namespace, of_it in groupby(data, key=lambda datum: datum.namespace):
            for some in batched((each for datum in of_it for each in _parts(datum)), _DATA_A_CALL, strict=False):
                self._client().put_metric_data(Namespace=namespace, MetricData=list(some))

    def _counted(self, measured: Mapping[str, Measured], now: datetime) -> Iterator[Datum]:
        for function, counted in measured.items():
            dimensions = {_FUNCTION: self._names[function]}
            yield Datum(_NAMESPACE, "Invocations", dimensions, now, {1.0: counted.invocations})
            yield Datum(_NAMESPACE, "Throttles", dimensions, now, {0.0: counted.invocations})
            succeeded = counted.invocations - counted.errors
            yield Datum(_NAMESPACE, "Errors", dimensions, now, {1.0: counted.errors, 0.0: succeeded})
            if counted.durations:
                yield Datum(_NAMESPACE, "Duration", dimensions, now, counted.durations)

    def _logged(self) -> Iterator[Datum]:
        for tail in self._tails.values():
            for datum in embedded(tail.lines()):
                function = datum.dimensions.get(_FUNCTION)
                named = {_FUNCTION: self._names[function]} if function is not None else {}
                yield datum._replace(dimensions={**datum.dimensions, **named})


def _parts(datum: Datum) -> Iterator[dict[str, Any]]:
    dimensions = [{"Name": name, "Value": value} for name, value in datum.dimensions.items()]
    for some in batched(datum.values.items(), _VALUES_A_DATUM, strict=False):
        yield {
            "MetricName": datum.name,
            "Dimensions": dimensions,
            "Timestamp": datum.at,
            "Values": [value for value, _ in some],
            "Counts": [float(count) for _, count in some],
        }
