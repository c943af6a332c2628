"""What the entry points of all senders do: wake up, send what is due, and count it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Protocol

from aws_lambda_powertools.metrics import MetricUnit

from llmo_core.loop import run
from llmo_core.observability import logger, metrics
from llmo_messaging.claims import S3Claims
from llmo_messaging.configured import configured_dead_letters
from llmo_messaging.consumer import Consumer, Delivery, Handler
from llmo_messaging.envelope import Event
from llmo_messaging.settings import ConsumerSettings

RESERVE: Final = timedelta(seconds=60)  # for the calls that are begun just before: none takes longer


class Context(Protocol):
    """Lambda's context of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is ended."""
        ...


def time_left(context: Context) -> Callable[[], timedelta]:
    """How long an invocation may begin something new."""
    return lambda: timedelta(milliseconds=context.get_remaining_time_in_millis()) - RESERVE


class Worker:
    """A function that queues wake up, and a schedule does every minute.

    Whatever it does is found in the database: a wake-up that is lost costs a minute, and one too many nothing.

    Args:
        metric: What is counted.
        wakes: Which events wake it up.
        settings: What every consumer is told.
        work: Does what is due, and says how much that was.
    """

    def __init__(
        self,
        metric: str,
        wakes: type[Event],
        *,
        settings: Callable[[], ConsumerSettings],
        work: Callable[[Callable[[], timedelta]], Awaitable[int]],
    ) -> None:
        self._metric = metric
        self._work = work
        self._consumer = Consumer(
            Handler(wakes, _woken),
            dead_letters=lambda: configured_dead_letters(settings()),
            claims=lambda: S3Claims(settings().claims_bucket),
        )

    def __call__(self, event: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """Do what is due; safe to repeat, and to run any number of times at once."""
        answer: dict[str, Any] = {}
        woken = "Records" in event or event.get("eventSource") == "aws:rmq"
        if woken:
            answer = self._consumer.lambda_handler(event)
        done = run(_awaited(self._work(time_left(context))))
        logger().info("due messages", extra={"sent": done})
        metrics().add_metric(name=self._metric, unit=MetricUnit.Count, value=done)
        metrics().flush_metrics()
        return answer if woken else {"messages": done}


async def _woken(_deliveries: Sequence[Delivery[Any]]) -> None:
    """What is due, is found in the database."""


async def _awaited(work: Awaitable[int]) -> int:
    return await work
