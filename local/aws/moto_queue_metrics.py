"""What CloudWatch says of queues: how many messages wait, and how long the oldest one has.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

import threading
from collections.abc import Iterator
from typing import Any, Final

from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends
from moto.core.utils import unix_time
from moto.sqs.models import Queue, SQSBackend, sqs_backends

from local.aws.intrinsics import ACCOUNT_ID, REGION
from local.aws.moto_metrics import Key, Point, add, series_of

EVERY_SECONDS: Final = 15.0
_IDLE_SECONDS: Final = 60.0
_NAMESPACE: Final = "AWS/SQS"
_WAITING: Final = "ApproximateNumberOfMessagesVisible"


def measure(queues: SQSBackend, metrics: CloudWatchBackend, now: float) -> None:
    """Note how each queue stands; of one that has been empty since, once a minute."""
    for name, queue in list(queues.queues.items()):
        for metric, value in _figures(queue, now):
            key: Key = (_NAMESPACE, metric, (("QueueName", name),))
            last = next(reversed(series_of(metrics).get(key, ())), None)
            if value or last is None or last.value or now - last.at >= _IDLE_SECONDS:
                add(metrics, key, [Point(now, value, 1)])


def keep_measuring() -> None:
    """Measure the laptop's queues in a thread of their own, until the process ends."""
    threading.Thread(target=_measure_for_ever, name="queue metrics", daemon=True).start()


def _measure_for_ever() -> None:
    stopped = threading.Event()
    while True:
        measure(sqs_backends[ACCOUNT_ID][REGION], cloudwatch_backends[ACCOUNT_ID][REGION], unix_time())
        stopped.wait(EVERY_SECONDS)


def _figures(queue: Queue, now: float) -> Iterator[tuple[str, float]]:
    yield _WAITING, len(queue.messages)
    kept: list[Any] = list(queue._messages)  # noqa: SLF001 - a copy: others send and delete
    sent = [message.sent_timestamp for message in kept if message.sent_timestamp is not None]
    yield "ApproximateAgeOfOldestMessage", max(now - min(sent) / 1000, 0.0) if sent else 0.0
