"""Measures both event buses: `python -m tests.load.events`. Prints events per second, published and consumed.

EventBridge and SQS are moto's, whose speed says nothing about AWS's: what is ours is the ratio between lone publishers
and those that share calls, and the CPU of this process. RabbitMQ is a real broker: the one at RABBITMQ_URL, else the
machine's `rabbitmq-server`.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aio_pika

from llmo_core.ids import new_id
from llmo_core.observability import metrics
from llmo_messaging.bus import EventBus
from llmo_messaging.consumer import Consumer, Delivery, Handler
from llmo_messaging.envelope import Envelope
from llmo_messaging.rabbitmq import ConsumerQueue, declare
from local.aws.moto import MotoServer
from local.runtime.models import Invocation
from local.stores.rabbitmq import DEFAULT_URL, LocalRabbitMq, rabbitmq_answers, rabbitmq_installed, rabbitmq_program
from tests.integration.chaos.events import UsageMetered
from tests.integration.chaos.settings import EventBridgeTransport, RabbitMqTransport
from tests.integration.chaos.transports import running_bus, running_trigger
from tests.integration.messaging.backbones import aws_client

_TOGETHER = 100  # publishers at once


@dataclass(frozen=True, slots=True)
class Level:
    """What one level measured: events per second, and this process's CPU per event in µs."""

    bus: str
    what: str
    per_second: float
    cpu_us: float


class Counting:
    """The consumer in this process; `done` is set when it has handled so many events."""

    def __init__(self, count: int) -> None:
        self._left = count
        self.done = asyncio.Event()
        self._consumer = Consumer(Handler(UsageMetered, self._handle))

    async def invoke(self, function: str, payload: bytes, *, trace_id: str | None = None) -> Invocation:
        """Answer as Lambda does."""
        del function, trace_id
        answer = await self._consumer.answer(json.loads(payload))
        metrics().clear_metrics()  # a handler would print them
        return Invocation("1", json.dumps(answer).encode())

    async def _handle(self, deliveries: Sequence[Delivery[UsageMetered]]) -> None:
        self._left -= len(deliveries)
        if self._left <= 0:
            self.done.set()


async def measure(
    bus_name: str, transport: EventBridgeTransport | RabbitMqTransport, count: int
) -> AsyncIterator[Level]:
    """Publish alone, publish together, then consume all of it."""
    alone = max(count // 10, 1)

    async def timed(what: str, events: int, work: Callable[[], Awaitable[object]]) -> Level:
        began, cpu = time.perf_counter(), time.process_time()
        await work()
        seconds, spent = time.perf_counter() - began, time.process_time() - cpu
        return Level(bus_name, what, events / seconds, spent / events * 1e6)

    async with running_bus(transport, seed=None) as bus:
        await bus.publish([_event()])
        yield await timed("publish, one at a time", alone, lambda: _one_by_one(bus, alone))
        yield await timed(f"publish, {_TOGETHER} at once", count, lambda: _together(bus, count))
    counting = Counting(1 + alone + count)

    async def consume() -> None:
        async with running_trigger(transport, counting):
            await counting.done.wait()

    yield await timed("consume, batches of 100", 1 + alone + count, consume)


async def _one_by_one(bus: EventBus, count: int) -> None:
    for _ in range(count):
        await bus.publish([_event()])


async def _together(bus: EventBus, count: int) -> None:
    numbers = iter(range(count))

    async def publisher() -> None:
        for _ in numbers:
            await bus.publish([_event()])

    await asyncio.gather(*(publisher() for _ in range(_TOGETHER)))


def _event() -> Envelope:
    return Envelope.of(UsageMetered(number=1), event_id=new_id(), org_id=new_id(), time=datetime.now(UTC))


@asynccontextmanager
async def _eventbridge(state: Path) -> AsyncIterator[EventBridgeTransport]:
    moto = MotoServer(state)
    url = await moto.start()
    sqs, events, name = aws_client("sqs", url), aws_client("events", url), "bench"
    queue_url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.create_event_bus(Name=name)
    pattern = json.dumps({"detail-type": [UsageMetered.event_type]})
    events.put_rule(Name=name, EventBusName=name, EventPattern=pattern)
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "queue", "Arn": arn}])
    yield EventBridgeTransport(
        put_events_url=url, sqs_url=url, bus_name=name, queue_url=queue_url, queue_arn=arn, visibility_seconds=60
    )
    await moto.stop()


@asynccontextmanager
async def _rabbitmq(state: Path) -> AsyncIterator[RabbitMqTransport | None]:
    url = os.environ.get("RABBITMQ_URL", DEFAULT_URL)
    async with AsyncExitStack() as started:
        if not await rabbitmq_answers(url):
            if not rabbitmq_installed():
                yield None
                return
            broker = LocalRabbitMq(state, rabbitmq_program())
            started.push_async_callback(broker.stop)
            url = await broker.start()
        exchange = f"llmo.bench-{new_id().hex}"
        queue = ConsumerQueue(f"{exchange}.usage", (UsageMetered.event_type,))
        await declare(url, exchange, [queue])
        yield RabbitMqTransport(url=url, exchange=exchange, queue=queue.name)
        async with await aio_pika.connect(url) as connection, connection.channel() as channel:
            for name in (queue.name, queue.dead_letter_queue):
                await channel.queue_delete(name)
            for name in (exchange, f"{exchange}.dead"):
                await channel.exchange_delete(name)


async def main(count: int) -> None:
    """Measure and print."""
    os.environ |= {"POWERTOOLS_METRICS_NAMESPACE": "LLMOptimizer", "POWERTOOLS_SERVICE_NAME": "bench"}
    print(f"{'bus':<22} {'what':<26} {'events/s':>9} {'CPU µs/event':>13}")
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        async with _eventbridge(state) as eventbridge, _rabbitmq(state) as rabbitmq:
            for name, transport in (("EventBridge+SQS (moto)", eventbridge), ("RabbitMQ", rabbitmq)):
                if transport is None:
                    print(f"{name:<22} there is none: set RABBITMQ_URL, or install rabbitmq-server")
                    continue
                async for level in measure(name, transport, count):
                    print(f"{level.bus:<22} {level.what:<26} {level.per_second:>9,.0f} {level.cpu_us:>13,.0f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=5_000)
    asyncio.run(main(parser.parse_args().events))
