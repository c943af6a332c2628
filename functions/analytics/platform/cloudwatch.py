"""The platform's figures in CloudWatch.

GetMetricData takes 500 questions a call and answers in pages; each metric of a call costs a hundred-thousandth of a
dollar. Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import cache
from itertools import batched
from typing import Any, Final

from analytics.platform.models import MetricsUnavailable, Names, PlatformFigures, Window
from analytics.platform.queries import Answers, Wanted, of_functions, of_queues
from llmo_core.observability import logger

_QUERIES_A_CALL: Final = 500
_TIMEOUT_SECONDS: Final = 5
_RETRY_AFTER_SECONDS: Final = 30.0
_INCOMPLETE: Final = {"InternalError", "Forbidden"}
_FUNCTIONS: Final = (("AWS/Lambda", "Invocations"), ("AWS/Lambda", "Throttles"))
_QUEUES: Final = (("AWS/SQS", "ApproximateNumberOfMessagesVisible"),)


class CloudWatchFigures:
    """See the port.

    Functions and queues are those of which CloudWatch has heard something in the last two weeks.

    Args:
        names: Tells which are the platform's own.
        client: Gives boto3's CloudWatch client; one with the process's credentials where there is none.
    """

    def __init__(self, *, names: Names, client: Callable[[], Any] | None = None) -> None:
        self._names = names
        self._client = client or _cloudwatch

    async def within(self, window: Window) -> PlatformFigures:
        """See the port."""
        functions = self._own(await self._known(_FUNCTIONS, "FunctionName"))
        queues = self._own(await self._known(_QUEUES, "QueueName"))
        wanted = [*of_functions(functions), *of_queues(queues)]
        answers, complete = Answers(), True
        for some in batched(wanted, _QUERIES_A_CALL, strict=False):
            complete &= await self._ask(some, window, answers)
        return PlatformFigures(window, answers.functions(functions), answers.queues(queues), complete)

    def _own(self, known: Sequence[str]) -> dict[str, str]:
        return {name: physical for physical in known if (name := self._names.own(physical)) is not None}

    async def _known(self, metrics: Sequence[tuple[str, str]], dimension: str) -> Sequence[str]:
        """The values of a dimension, alone, of which there are these metrics."""
        found: set[str] = set()
        for namespace, metric in metrics:
            question = {"Namespace": namespace, "MetricName": metric, "Dimensions": [{"Name": dimension}]}
            async for page in self._pages("list_metrics", question):
                found.update(_values(page, dimension))
        return sorted(found)

    async def _ask(self, some: Sequence[Wanted], window: Window, answers: Answers) -> bool:
        """Ask for some figures, page by page; whether all of them were told."""
        by_id = {f"q{number}": each for number, each in enumerate(some)}
        question = {
            "MetricDataQueries": [each.query(query_id, window) for query_id, each in by_id.items()],
            "StartTime": window.start,
            "EndTime": window.end,
            "ScanBy": "TimestampAscending",
        }
        complete = True
        async for page in self._pages("get_metric_data", question):
            for result in page["MetricDataResults"]:
                answers.add(by_id[result["Id"]], result["Timestamps"], result["Values"])
                complete &= result.get("StatusCode") not in _INCOMPLETE
        return complete

    async def _pages(self, operation: str, question: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            page = await self._call(operation, {**question, **token})
            yield page
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    async def _call(self, operation: str, question: dict[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see _cloudwatch

        client = await asyncio.to_thread(self._client)
        try:
            page: dict[str, Any] = await asyncio.to_thread(lambda: getattr(client, operation)(**question))
        except (BotoCoreError, ClientError) as error:
            logger().warning("CloudWatch does not answer", extra={"operation": operation, "error": str(error)})
            raise MetricsUnavailable(retry_after_seconds=_RETRY_AFTER_SECONDS) from error
        return page


def _values(page: dict[str, Any], dimension: str) -> Iterator[str]:
    for metric in page["Metrics"]:
        match metric["Dimensions"]:
            case [{"Name": name, "Value": value}] if name == dimension:
                yield value


@cache
def _cloudwatch() -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
    import boto3  # noqa: PLC0415 - a quarter of a second, which is not spent where nobody asks
    from botocore.config import Config  # noqa: PLC0415 - as above

    timeouts = Config(
        connect_timeout=_TIMEOUT_SECONDS, read_timeout=_TIMEOUT_SECONDS, retries={"total_max_attempts": 2}
    )
    return boto3.client("cloudwatch", config=timeouts)
