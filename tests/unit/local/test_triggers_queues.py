import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Protocol, cast

import orjson
import pytest

from local.runtime.models import Invocation
from local.stack import QueueTrigger
from local.triggers.queues import QueuePoller, growing_delay
from local.triggers.sqs_client import Message, SqsClient, SqsError


class ManualClock(Protocol):
    def now(self) -> datetime: ...
    async def sleep(self, seconds: float) -> None: ...
    async def someone_sleeps(self) -> float: ...
    def advance(self, seconds: float) -> None: ...


def message(number: int, receive_count: int = 1) -> dict[str, Any]:
    return {
        "MessageId": f"m-{number}",
        "ReceiptHandle": f"h-{number}",
        "Body": str(number),
        "MD5OfBody": "",
        "Attributes": {"ApproximateReceiveCount": str(receive_count)},
    }


class FakeSqs:
    """A queue whose long polls end when the test sends something."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.sent = asyncio.Event()
        self.deleted: asyncio.Queue[list[str]] = asyncio.Queue()
        self.returned: asyncio.Queue[list[tuple[str, int]]] = asyncio.Queue()
        self._failing = False

    def send(self, *messages: dict[str, Any]) -> None:
        self.messages += messages
        self.sent.set()

    def fail_next(self) -> None:
        self._failing = True
        self.sent.set()

    async def receive(self, queue_url: str, *, count: int, wait_seconds: int) -> list[Message]:
        assert queue_url == "http://queue"
        if wait_seconds and not self.messages and not self._failing:
            self.sent.clear()
            await self.sent.wait()
        if self._failing:
            self._failing = False
            raise SqsError("ReceiveMessage: 500")
        taken, self.messages = self.messages[:count], self.messages[count:]
        return list(taken)

    async def delete(self, _queue_url: str, messages: Sequence[Message]) -> None:
        self.deleted.put_nowait([one["MessageId"] for one in messages])

    async def make_visible(self, _queue_url: str, messages: Sequence[Message], delays: Sequence[int]) -> None:
        self.returned.put_nowait([(one["MessageId"], delay) for one, delay in zip(messages, delays, strict=True)])


class Functions:
    def __init__(self) -> None:
        self.batches: asyncio.Queue[list[str]] = asyncio.Queue()
        self.answer: object = None
        self.function_error: str | None = None

    async def invoke(self, function: str, payload: bytes, *, trace_id: str | None = None) -> Invocation:
        assert (function, trace_id) == ("ConsumerFunction", None)
        self.batches.put_nowait([record["messageId"] for record in orjson.loads(payload)["Records"]])
        return Invocation("r", orjson.dumps(self.answer), self.function_error)


@pytest.fixture
def sqs() -> FakeSqs:
    return FakeSqs()


@pytest.fixture
def functions() -> Functions:
    return Functions()


@pytest.fixture
async def poller(sqs: FakeSqs, functions: Functions, clock: ManualClock) -> AsyncIterator[QueuePoller]:
    trigger = QueueTrigger(
        queue_url="http://queue",
        queue_arn="arn:aws:sqs:eu-west-1:123456789012:queue",
        function="ConsumerFunction",
        batch_size=25,
        window_seconds=1,
        partial_failures=True,
        visibility_seconds=180,
        dead_letter_url=None,
        max_receive_count=0,
    )
    tested = QueuePoller(trigger, cast("SqsClient", sqs), functions, clock=clock)
    tested.start()
    yield tested
    await tested.stop()
    assert not tested.ready


@pytest.mark.usefixtures("poller")
async def test_a_lone_message_is_handed_over_after_a_short_quiet(
    sqs: FakeSqs, functions: Functions, clock: ManualClock
) -> None:
    sqs.send(message(1))

    assert await clock.someone_sleeps() <= 0.1
    clock.advance(0.1)

    assert await functions.batches.get() == ["m-1"]
    assert await sqs.deleted.get() == ["m-1"]


@pytest.mark.usefixtures("poller")
async def test_a_full_batch_does_not_wait(sqs: FakeSqs, functions: Functions) -> None:
    sqs.send(*(message(number) for number in range(25)))

    assert len(await functions.batches.get()) == 25


@pytest.mark.usefixtures("poller")
async def test_messages_that_keep_coming_are_gathered_until_the_window_is_over(
    sqs: FakeSqs, functions: Functions, clock: ManualClock
) -> None:
    sqs.send(message(1))
    for number in range(2, 6):
        await clock.someone_sleeps()
        sqs.send(message(number))
        clock.advance(0.25)

    assert await functions.batches.get() == ["m-1", "m-2", "m-3", "m-4"]


@pytest.mark.usefixtures("poller")
async def test_reported_failures_come_back_later_and_the_rest_is_deleted(
    sqs: FakeSqs, functions: Functions, clock: ManualClock
) -> None:
    functions.answer = {"batchItemFailures": [{"itemIdentifier": "m-2"}]}
    sqs.send(message(1), message(2, receive_count=3), message(3))
    await clock.someone_sleeps()
    clock.advance(0.1)

    assert await sqs.deleted.get() == ["m-1", "m-3"]
    assert await sqs.returned.get() == [("m-2", 4)]


@pytest.mark.usefixtures("poller")
async def test_a_function_error_returns_the_whole_batch(sqs: FakeSqs, functions: Functions, clock: ManualClock) -> None:
    functions.function_error = "Unhandled"
    sqs.send(message(1), message(2))
    await clock.someone_sleeps()
    clock.advance(0.1)

    assert await sqs.returned.get() == [("m-1", 1), ("m-2", 1)]
    assert sqs.deleted.empty()


async def test_a_queue_that_cannot_be_polled_is_tried_again(
    sqs: FakeSqs, functions: Functions, clock: ManualClock, poller: QueuePoller
) -> None:
    sqs.fail_next()

    assert await clock.someone_sleeps() == 2
    assert not poller.ready
    sqs.send(*(message(number) for number in range(25)))
    clock.advance(2)

    assert len(await functions.batches.get()) == 25
    assert poller.ready


def test_delays_grow_up_to_a_minute() -> None:
    assert [growing_delay(count) for count in (1, 2, 3, 6, 7, 50)] == [1, 2, 4, 32, 60, 60]
