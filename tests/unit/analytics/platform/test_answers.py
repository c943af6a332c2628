"""What CloudWatch's answers come to, page by page."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from analytics.platform.cloudwatch import CloudWatchFigures
from analytics.platform.models import FunctionFigures, Interval, MetricsUnavailable, Names, QueueFigures, Window

START = datetime(2026, 8, 17, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WINDOW = Window(START, START + 3 * MINUTE, Interval.MINUTE)
FUNCTION = "llmo-dev-integration-gateway"

type Points = Mapping[datetime, float]
type Question = Mapping[str, Any]


class FakeCloudWatch:
    """boto3's client, over what a test says there is; it answers in pages of so many results.

    Args:
        points: By metric, statistic and the name of a function or a queue; `whole` in place of a step's length where
            the whole window is asked for.
    """

    def __init__(
        self, points: Mapping[tuple[str, str, str], Points], *, page: int = 2, status: str = "Complete"
    ) -> None:
        self._points = points
        self._page = page
        self._status = status
        self.asked: list[int] = []

    def list_metrics(self, **question: Any) -> dict[str, Any]:
        (dimension,) = question["Dimensions"]
        names = sorted({name for metric, _, name in self._points if metric == question["MetricName"]})
        metrics = [{"Dimensions": [{"Name": dimension["Name"], "Value": name}]} for name in names]
        metrics.append(
            {"Dimensions": [{"Name": dimension["Name"], "Value": FUNCTION}, {"Name": "Resource", "Value": "x"}]}
        )
        return self._paged("Metrics", metrics, question)

    def get_metric_data(self, **question: Any) -> dict[str, Any]:
        if "NextToken" not in question:
            self.asked.append(len(question["MetricDataQueries"]))
        results = [self._result(query) for query in question["MetricDataQueries"]]
        return self._paged("MetricDataResults", results, question)

    def _result(self, query: Question) -> dict[str, Any]:
        stat = query["MetricStat"]
        (dimension,) = stat["Metric"]["Dimensions"]
        kind = "whole" if stat["Period"] == 180 else stat["Stat"]
        key = (stat["Metric"]["MetricName"], f"{stat['Stat']} whole" if kind == "whole" else kind, dimension["Value"])
        points = self._points.get(key, {})
        return {
            "Id": query["Id"],
            "Timestamps": list(points),
            "Values": list(points.values()),
            "StatusCode": self._status,
        }

    def _paged(self, name: str, found: Sequence[Any], question: Question) -> dict[str, Any]:
        begin = int(question.get("NextToken", 0))
        more = {"NextToken": str(begin + self._page)} if begin + self._page < len(found) else {}
        return {name: found[begin : begin + self._page], **more}


def figures(client: Any) -> CloudWatchFigures:
    return CloudWatchFigures(names=Names(prefix="llmo-dev-"), client=lambda: client)


def of_function(name: str = FUNCTION) -> dict[tuple[str, str, str], Points]:
    """Two minutes of a function: three invocations of 10, 20 and 30 ms, one of which failed, and one of 100 ms."""
    return {
        ("Invocations", "Sum", name): {START: 3, START + MINUTE: 1},
        ("Errors", "Sum", name): {START: 1, START + MINUTE: 0},
        ("Throttles", "Sum", name): {START: 0, START + MINUTE: 2},
        ("ColdStart", "Sum", name): {START: 1},
        ("Duration", "Sum", name): {START: 60, START + MINUTE: 100},
        ("Duration", "SampleCount", name): {START: 3, START + MINUTE: 1},
        ("Duration", "p50", name): {START: 20, START + MINUTE: 100},
        ("Duration", "p95", name): {START: 30, START + MINUTE: 100},
        ("Duration", "p99", name): {START: 30, START + MINUTE: 100},
        ("Duration", "p50 whole", name): {START: 25},
        ("Duration", "p95 whole", name): {START: 99},
        ("Duration", "p99 whole", name): {START: 99, START + 2 * MINUTE: 100},
    }


async def test_a_function_is_shown_step_by_step_and_in_all() -> None:
    found = await figures(FakeCloudWatch(of_function())).within(WINDOW)

    (function,) = found.functions
    assert function.name == "integration-gateway"
    assert function.steps == {
        START: FunctionFigures(3, 1, 0, 1, 20.0, 20, 30, 30),
        START + MINUTE: FunctionFigures(1, 0, 2, 0, 100.0, 100, 100, 100),
    }
    # The average is that of invocations, not of steps; a percentile in parts is never above the largest of them.
    assert function.total == FunctionFigures(4, 1, 2, 1, 40.0, 25, 99, 100)
    assert found.complete


async def test_functions_and_queues_of_others_are_not_shown() -> None:
    strange: dict[tuple[str, str, str], Points] = of_function("somebody-elses-Function-A1B2C3D4E5F6") | {
        ("ApproximateNumberOfMessagesVisible", "Maximum", "llmo-staging-email"): {START: 7}
    }

    found = await figures(FakeCloudWatch(strange)).within(WINDOW)

    assert (found.functions, found.queues) == ([], [])


async def test_of_a_queue_the_worst_is_shown() -> None:
    email: dict[tuple[str, str, str], Points] = {
        ("ApproximateNumberOfMessagesVisible", "Maximum", "llmo-dev-email"): {START: 7, START + MINUTE: 2},
        ("ApproximateAgeOfOldestMessage", "Maximum", "llmo-dev-email"): {START + MINUTE: 90.5},
    }

    (queue,) = (await figures(FakeCloudWatch(email)).within(WINDOW)).queues

    assert queue.total == QueueFigures(oldest=90.5, waiting=7)
    assert queue.steps == {START: QueueFigures(None, 7), START + MINUTE: QueueFigures(90.5, 2)}


async def test_no_call_asks_more_than_cloudwatch_takes() -> None:
    many: dict[tuple[str, str, str], Points] = {}
    for number in range(60):
        many |= of_function(f"llmo-dev-F{number}Function-A1B2C3D4E5F6")
    client = FakeCloudWatch(many, page=100)

    found = await figures(client).within(WINDOW)

    assert client.asked == [500, 220]
    assert {each.total.invocations for each in found.functions} == {4}
    assert len(found.functions) == 60


async def test_figures_that_cloudwatch_could_not_tell_are_not_passed_off_as_all() -> None:
    found = await figures(FakeCloudWatch(of_function(), status="InternalError")).within(WINDOW)

    assert not found.complete


async def test_pages_that_are_yet_to_come_are_no_gap() -> None:
    found = await figures(FakeCloudWatch(of_function(), status="PartialData")).within(WINDOW)

    assert found.complete


class Broken:
    """A client whose every call fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**_: Any) -> Any:
            raise self._error

        return call


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://monitoring.eu-west-1.amazonaws.com"),
        ClientError({"Error": {"Code": "Throttling"}}, "GetMetricData"),
        ClientError({"Error": {"Code": "AccessDenied"}}, "ListMetrics"),
    ],
)
async def test_when_cloudwatch_does_not_answer_the_caller_is_told_when_to_come_back(error: Exception) -> None:
    with pytest.raises(MetricsUnavailable) as refusal:
        await figures(Broken(error)).within(WINDOW)

    assert refusal.value.retry_after_seconds == 30
