"""Metrics in a function's log, in the embedded metric format that CloudWatch reads there.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

MOST_BYTES = 1_000_000
"""So much of a log is read at once; what was written before that is passed over."""


class Datum(NamedTuple):
    """A metric's values, for PutMetricData."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    at: datetime
    values: Mapping[float, int]


class LogTail:
    """What was added to a log since the last look; what was there before the first one is nobody's."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._position = log.stat().st_size if log.exists() else 0

    def lines(self) -> Iterable[bytes]:
        """Whole lines that are new; at most the last megabyte of them."""
        size = self._log.stat().st_size if self._log.exists() else 0
        if size <= self._position:
            self._position = min(self._position, size)
            return []
        begin = max(self._position, size - MOST_BYTES)
        with self._log.open("rb") as log:
            log.seek(begin)
            read = log.read(size - begin)
        whole = read[: read.rfind(b"\n") + 1]
        self._position = begin + len(whole)
        return whole.splitlines()


def embedded(lines: Iterable[bytes]) -> Iterator[Datum]:
    """The metrics in lines of a log; whatever else stands there is passed over."""
    for line in lines:
        if b'"_aws"' not in line:
            continue
        try:
            said = orjson.loads(line)
            found = list(_data(said))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            continue  # CloudWatch passes over what is malformed, too
        yield from found


def _data(said: Mapping[str, Any]) -> Iterator[Datum]:
    at = datetime.fromtimestamp(said["_aws"]["Timestamp"] / 1000, UTC)
    for directive in said["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: str(said[name]) for name in names}
            for metric in directive["Metrics"]:
                given = said[metric["Name"]]
                values: dict[float, int] = {}
                for value in given if isinstance(given, list) else [given]:
                    values[float(value)] = values.get(float(value), 0) + 1
                yield Datum(directive["Namespace"], metric["Name"], dimensions, at, values)
