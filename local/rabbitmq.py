"""`python -m local rabbitmq`: make a stage's exchange and queues on a broker, and run a broker for tests."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from llmo_messaging.configured import exchange_of
from llmo_messaging.rabbitmq import ConsumerQueue, declare
from local.aws.consumer_queues import consumer_queues
from local.aws.intrinsics import Resolver, TemplateError
from local.aws.template import read_template
from local.process import StartError
from local.stores.rabbitmq import LocalRabbitMq, rabbitmq_program

_TEMPLATE = Path(__file__).resolve().parents[1] / "template.yaml"


def queues_of_stage(stage: str) -> list[ConsumerQueue]:
    """The consumers' queues of a stage where RabbitMQ is the bus, from template.yaml."""

    def unknown(logical_id: str, attribute: str) -> str:
        raise TemplateError(f"The name of a queue depends on {logical_id}.{attribute}, which exists only once deployed")

    template = read_template(_TEMPLATE)
    # Of a stage without traces the queue of their calls would only fill.
    parameters = {"Stage": stage, "OtlpEndpoint": os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")}
    return consumer_queues(template, Resolver(template, parameters, unknown))


def declare_stage(url: str, stage: str) -> int:
    """Make the exchange and the queues of a stage where they are missing, and print them. Safe to repeat."""
    queues = queues_of_stage(stage)
    try:
        asyncio.run(declare(url, exchange_of(stage), queues))
    except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
        print(f"RabbitMQ refused: {error!r}", file=sys.stderr)
        return 2
    print(f"exchange {exchange_of(stage)}")
    for queue in queues:
        print(f"queue    {queue.name}: {', '.join(queue.event_types)}; dead letters in {queue.dead_letter_queue}")
    return 0


def serve(state: Path, port: int) -> int:
    """Run this machine's `rabbitmq-server` on 127.0.0.1 until SIGINT or SIGTERM, and print its URL."""
    try:
        return asyncio.run(_serve(LocalRabbitMq(state, rabbitmq_program(), port=port or None)))
    except StartError as error:
        print(error, file=sys.stderr)
        return 2


async def _serve(broker: LocalRabbitMq) -> int:
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    try:
        print(await broker.start(), flush=True)
        await asked.wait()
    finally:
        await broker.stop()
    return 0
