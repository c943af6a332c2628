"""The laptop's CloudWatch: what is counted, read from logs, kept and worked out."""

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.models import CloudWatchBackend
from moto.sqs.models import Message, SQSBackend

from local.aws.moto_metrics import (
    MOST_POINTS,
    Point,
    add,
    get_filtered_metrics,
    get_metric_data,
    put_metric_data,
    series_of,
    statistic,
)
from local.aws.moto_queue_metrics import measure
from local.metrics.embedded import MOST_BYTES, LogTail, embedded
from local.metrics.meter import Meter

REGION, ACCOUNT = "eu-west-1", "123456789012"
START = datetime(2026, 8, 17, 12, tzinfo=UTC)
FUNCTION = [{"Name": "FunctionName", "Value": "f"}]


@pytest.fixture
def cloudwatch() -> CloudWatchBackend:
    return CloudWatchBackend(REGION, ACCOUNT)


def put(cloudwatch: CloudWatchBackend, at: datetime, values: Iterable[float], counts: Iterable[float] = ()) -> None:
    datum: dict[str, Any] = {
        "MetricName": "Duration",
        "Dimensions": FUNCTION,
        "Timestamp": at,
        "Values": list(values),
        "Counts": list(counts),
    }
    put_metric_data(cloudwatch, "AWS/Lambda", [datum])


def asked(cloudwatch: CloudWatchBackend, stat: str, *, period: int = 60, minutes: int = 3) -> dict[datetime, float]:
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Duration", "Dimensions": FUNCTION}
    query = {"Id": "q", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}
    (result,) = get_metric_data(cloudwatch, [query], START, START + timedelta(minutes=minutes))
    return {at.replace(tzinfo=UTC): value for at, value in zip(result["timestamps"], result["values"], strict=True)}


def test_values_are_summed_up_by_steps_that_begin_with_the_start(cloudwatch: CloudWatchBackend) -> None:
    put(cloudwatch, START, [10, 30], [3, 1])
    put(cloudwatch, START + timedelta(seconds=61), [100])
    put(cloudwatch, START + timedelta(minutes=3), [1_000])

    assert asked(cloudwatch, "Sum") == {START: 60, START + timedelta(minutes=1): 100}
    assert asked(cloudwatch, "SampleCount") == {START: 4, START + timedelta(minutes=1): 1}
    assert asked(cloudwatch, "Average", period=180) == {START: 32}
    assert asked(cloudwatch, "Maximum", period=180) == {START: 100}
    assert asked(cloudwatch, "p50") == {START: 10, START + timedelta(minutes=1): 100}


@given(values=st.lists(st.integers(0, 1000), min_size=1, max_size=50), share=st.sampled_from([0, 50, 95, 99, 100]))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[int], share: int) -> None:
    found = statistic(f"p{share}")([Point(0, value, 1) for value in values])

    assert found in values
    assert sum(value <= found for value in values) >= share / 100 * len(values)
    assert sum(value < found for value in values) <= share / 100 * len(values)


@pytest.mark.parametrize("name", ["Median", "p101", "pp", "p-1", "TM(10%:90%)"])
def test_what_is_no_statistic_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        statistic(name)


def test_metrics_are_listed_once_by_the_dimensions_they_have(cloudwatch: CloudWatchBackend) -> None:
    put(cloudwatch, START, [1])
    put(cloudwatch, START, [2])

    def listed(namespace: str | None, name: str | None, dimensions: list[dict[str, str]]) -> int:
        return len(get_filtered_metrics(cloudwatch, name, namespace, dimensions))

    assert listed(None, None, []) == 1
    assert listed("AWS/Lambda", "Duration", [{"Name": "FunctionName"}]) == 1
    assert listed("AWS/Lambda", "Duration", FUNCTION) == 1
    assert listed("AWS/SQS", None, []) == listed(None, "Errors", []) == listed(None, None, [{"Name": "QueueName"}]) == 0


def test_a_metric_is_kept_within_bounds(cloudwatch: CloudWatchBackend) -> None:
    key = ("n", "m", ())
    add(cloudwatch, key, (Point(number, 0, 1) for number in range(MOST_POINTS + 5)))

    assert series_of(cloudwatch)[key][0].at == 5


def test_a_queue_is_measured_while_something_waits_and_once_a_minute_while_nothing_does(
    cloudwatch: CloudWatchBackend,
) -> None:
    queues = SQSBackend(REGION, ACCOUNT)
    queue = queues.create_queue("q", tags=None)
    dimensions = (("QueueName", "q"),)
    now = START.timestamp()
    for seconds in (0, 15, 30, 60):
        measure(queues, cloudwatch, now + seconds)
    message = Message("m1", "body")
    message.sent_timestamp = int((now + 61) * 1000)  # type: ignore[assignment]
    queue.add_message(message)
    for seconds in (75, 90):
        measure(queues, cloudwatch, now + seconds)

    def kept(metric: str) -> list[tuple[float, float]]:
        return [(point.at - now, point.value) for point in series_of(cloudwatch)["AWS/SQS", metric, dimensions]]

    assert kept("ApproximateNumberOfMessagesVisible") == [(0, 0), (60, 0), (75, 1), (90, 1)]
    assert kept("ApproximateAgeOfOldestMessage") == [(0, 0), (60, 0), (75, 14), (90, 29)]


def test_invocations_are_counted_until_they_are_taken() -> None:
    meter = Meter()
    meter.record("F", 0.0123456, failed=False)
    meter.record("F", 0.0123412, failed=True)
    meter.record("F", None, failed=True)

    counted = meter.take()["F"]

    assert (counted.invocations, counted.errors, dict(counted.durations)) == (3, 2, {12.3: 2})
    assert meter.take() == {}


def metric_line(**said: object) -> str:
    directive = {"Namespace": "LLMOptimizer", "Dimensions": [["service"]], "Metrics": [{"Name": "OutboxAge"}]}
    return json.dumps({"_aws": {"Timestamp": 1_787_048_130_000, "CloudWatchMetrics": [directive]}, **said})


def test_metrics_are_found_among_the_lines_of_a_log() -> None:
    lines = [
        "START",
        metric_line(service="relay", OutboxAge=[1.5, 1.5, 2]),
        metric_line(service="relay"),
        metric_line(service="relay", OutboxAge="x"),
        '{"_aws": 1}',
        '{"_aws": broken',
    ]

    (datum,) = embedded(line.encode() for line in lines)

    assert (datum.namespace, datum.name, datum.dimensions) == ("LLMOptimizer", "OutboxAge", {"service": "relay"})
    assert datum.values == {1.5: 2, 2: 1}
    assert datum.at == datetime.fromtimestamp(1_787_048_130, UTC)


def test_of_a_log_only_new_and_whole_lines_are_read(tmp_path: Path) -> None:
    log = tmp_path / "f.log"
    log.write_text("before\n")
    tail = LogTail(log)
    with log.open("a") as more:
        more.write("one\ntw")
    assert list(tail.lines()) == [b"one"]
    with log.open("a") as more:
        more.write("o\n")
    assert list(tail.lines()) == [b"two"]
    assert list(tail.lines()) == []
    log.write_text("")
    assert list(tail.lines()) == []
    with log.open("a") as more:
        more.write("three\n")
    assert list(tail.lines()) == [b"three"]


def test_a_log_that_grows_fast_is_not_read_in_full(tmp_path: Path) -> None:
    tail = LogTail(tmp_path / "f.log")
    (tmp_path / "f.log").write_text("x" * 2 * MOST_BYTES + "\nlast\n")

    assert list(tail.lines())[-1] == b"last"
    assert list(tail.lines()) == []


async def test_counting_from_many_places_loses_nothing() -> None:
    meter = Meter()

    async def count() -> None:
        for _ in range(100):
            meter.record("F", 0.001, failed=False)
            await asyncio.sleep(0)

    await asyncio.gather(*(count() for _ in range(10)))

    assert meter.take()["F"].durations == {1.0: 1000}
