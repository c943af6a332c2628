"""`python -m local dlq` and `python -m local rabbitmq declare`, on a real RabbitMQ."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import aio_pika
import pytest

from llmo_core.ids import new_id
from llmo_messaging.configured import exchange_of
from llmo_messaging.envelope import Envelope, Event
from llmo_messaging.messages import Message
from llmo_messaging.rabbitmq_dead_letters import RabbitMqDeadLetters
from local.__main__ import main
from local.rabbitmq import queues_of_stage
from tests.integration.messaging.broker import RABBITMQ_URL


class UsageRecorded(Event, name="llmo.integration.usage.recorded"):
    number: int


def envelope(number: int) -> Envelope:
    now = datetime(2026, 8, 17, tzinfo=UTC)
    return Envelope.of(UsageRecorded(number=number), event_id=new_id(), org_id=new_id(), time=now)


@pytest.fixture
def stage() -> Iterator[str]:
    """A stage of its own, declared; its queues are deleted afterwards."""
    name = f"t{new_id().hex[-12:]}"
    assert main(["rabbitmq", "declare", "--url", RABBITMQ_URL, "--stage", name]) == 0
    yield name
    asyncio.run(remove(name))


async def remove(stage: str) -> None:
    async with await aio_pika.connect(RABBITMQ_URL) as connection, connection.channel() as channel:
        for queue in queues_of_stage(stage):
            await channel.queue_delete(queue.name)
            await channel.queue_delete(queue.dead_letter_queue)
        for exchange in (exchange_of(stage), f"{exchange_of(stage)}.dead"):
            await channel.exchange_delete(exchange)


def bury(stage: str, *events: Envelope) -> None:
    queue = f"llmo-{stage}-analytics-usage"

    async def all_of_them() -> None:
        for number, event in enumerate(events):
            message = Message(str(number), event.to_json(), queue)
            await RabbitMqDeadLetters(RABBITMQ_URL, exchange_of(stage)).bury(message, f"reason {number}")

    asyncio.run(all_of_them())


def dlq(stage: str, action: str, *arguments: str) -> int:
    queue = [] if action == "list" else [f"llmo-{stage}-analytics-usage.dead"]
    return main(["dlq", action, "--rabbitmq-url", RABBITMQ_URL, "--stage", stage, *queue, *arguments])


def ready(stage: str) -> tuple[int, int]:
    """How many messages wait in the consumer's queue, and how many are dead."""

    async def counted() -> tuple[int, int]:
        async with await aio_pika.connect(RABBITMQ_URL) as connection, connection.channel() as channel:
            name = f"llmo-{stage}-analytics-usage"
            queues = [await channel.declare_queue(each, passive=True) for each in (name, f"{name}.dead")]
            alive, dead = (queue.declaration_result.message_count or 0 for queue in queues)
            return alive, dead

    return asyncio.run(counted())


def test_dead_letters_are_listed_and_shown_with_their_reasons_and_stay(
    stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [envelope(1), envelope(2)]
    bury(stage, *events)

    assert dlq(stage, "list") == 0
    assert f"llmo-{stage}-analytics-usage.dead" in capsys.readouterr().out
    assert dlq(stage, "show", "--json") == 0

    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [message["event_id"] for message in shown] == [str(event.id) for event in events]
    assert [message["error"] for message in shown] == ["MALFORMED_MESSAGE: reason 0", "MALFORMED_MESSAGE: reason 1"]
    assert {message["type"] for message in shown} == {"llmo.integration.usage.recorded"}
    assert ready(stage) == (0, 2)


def test_a_redrive_moves_them_back_to_the_queue_that_they_died_in(
    stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bury(stage, *(envelope(number) for number in range(23)))

    assert dlq(stage, "redrive", "--limit", "20") == 0
    assert ready(stage) == (20, 3)
    assert dlq(stage, "redrive") == 0

    assert "Moved 3 messages" in capsys.readouterr().out
    assert ready(stage) == (23, 0)


def test_a_purge_asks_first(stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    bury(stage, envelope(1))

    assert dlq(stage, "purge") == 2
    assert "--yes" in capsys.readouterr().err
    assert ready(stage) == (0, 1)
    assert dlq(stage, "purge", "--yes") == 0
    assert ready(stage) == (0, 0)


def test_a_broker_that_does_not_answer_is_said_and_nothing_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dlq", "list", "--rabbitmq-url", "amqp://guest:guest@127.0.0.1:1/"]) == 2
    assert "Connect call failed" in capsys.readouterr().err
    assert main(["rabbitmq", "declare", "--url", "amqp://guest:guest@127.0.0.1:1/", "--stage", "prod"]) == 2
