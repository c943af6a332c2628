"""A consumer or a relay in a process of its own, which can be killed at the worst moment.

`python -m tests.integration.chaos.worker <WorkerSettings as JSON>`. At each checkpoint it writes a line of JSON to its
standard output and waits for a line on its standard input: there it can be killed. It ends when its input does.
"""

import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from psycopg import sql

from llmo_core.errors import Unavailable
from llmo_data.inbox import Inbox
from llmo_data.outbox import OutboxRelay
from llmo_data.postgres import Database
from llmo_messaging.bus import EventBus
from llmo_messaging.consumer import BatchFailed, Consumer, Delivery, Handler
from llmo_messaging.envelope import Envelope
from local.runtime.models import Invocation
from tests.integration.chaos.events import UsageMetered
from tests.integration.chaos.settings import WorkerSettings
from tests.integration.chaos.transports import running_bus, running_trigger


class Parent:
    """The test, which decides at each checkpoint whether the process lives on."""

    def __init__(self, answers: asyncio.StreamReader) -> None:
        self._answers = answers
        self._turn = asyncio.Lock()

    @classmethod
    async def connect(cls) -> "Parent":
        """Over the standard streams."""
        answers = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(answers), sys.stdin)
        return cls(answers)

    async def checkpoint(self, at: str, **facts: object) -> None:
        """Tell where this process is, and wait for leave to go on."""
        async with self._turn:
            sys.stdout.write(json.dumps({"at": at, **facts}) + "\n")
            sys.stdout.flush()
            if not await self._answers.readline():
                os._exit(0)


class Ledger:
    """Has an effect in the database for every event, in the transaction that notes the event."""

    def __init__(self, database: Database, schema: str, parent: Parent) -> None:
        self._database = database
        self._inbox = Inbox(schema=schema, consumer="ledger")
        self._insert = sql.SQL("INSERT INTO {} (org_id, event_id) VALUES (%s, %s)").format(
            sql.Identifier(schema, "effects")
        )
        self._parent = parent

    async def keep(self, deliveries: Sequence[Delivery[UsageMetered]]) -> None:
        """Have the effects, then stop before anybody acknowledges the messages."""
        organizations: dict[UUID | None, list[Envelope]] = defaultdict(list)
        for delivery in deliveries:
            organizations[delivery.envelope.orgid].append(delivery.envelope)
        effects = 0
        for org_id, envelopes in organizations.items():
            async with self._database.transaction(org_id) as connection:
                admitted = await self._inbox.admit(connection, envelopes, now=datetime.now(UTC))
                rows = [(event.orgid, event.id) for event in admitted]
                await connection.cursor().executemany(self._insert, rows)
            effects += len(admitted)
        await self._parent.checkpoint("handled", deliveries=len(deliveries), effects=effects)


class InProcess:
    """Runs the consumer in this process, as a Lambda function runs in its own."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    async def invoke(self, function: str, payload: bytes, *, trace_id: str | None = None) -> Invocation:
        """Answer as Lambda does."""
        del function, trace_id
        try:
            answer = await self._consumer.answer(json.loads(payload))
        except BatchFailed as error:
            return Invocation("1", json.dumps({"errorType": "BatchFailed", "errorMessage": error.detail}).encode(), "x")
        return Invocation("1", json.dumps(answer).encode())


class Watched:
    """A bus whose publisher stops between publishing and whatever it does then."""

    def __init__(self, bus: EventBus, parent: Parent, *, every: int) -> None:
        self._bus = bus
        self._parent = parent
        self._every = every
        self._published = 0

    async def publish(self, events: Sequence[Envelope]) -> None:
        """Publish, and tell the test of it now and then."""
        await self._bus.publish(events)
        self._published += len(events)
        if self._published % self._every == 0:
            await self._parent.checkpoint("published", published=self._published)


async def consume(settings: WorkerSettings, parent: Parent) -> None:
    """Consume until killed."""
    database = Database(settings.conninfo, max_connections=4)
    ledger = Ledger(database, settings.database_schema, parent)
    functions = InProcess(Consumer(Handler(UsageMetered, ledger.keep)))
    async with running_trigger(settings.transport, functions):
        await asyncio.Event().wait()


async def relay(settings: WorkerSettings, parent: Parent) -> None:
    """Relay pass by pass, whenever the test says so, until killed."""
    database = Database(settings.conninfo, max_connections=1)
    async with running_bus(settings.transport, settings.seed) as bus:
        watched = Watched(bus, parent, every=20)
        outbox = OutboxRelay(database=database, schema=settings.database_schema, bus=lambda: watched, batch=200)
        while True:
            try:
                published = (await outbox.publish()).published
            except Unavailable as error:
                await parent.checkpoint("unavailable", reason=error.detail)
            else:
                await parent.checkpoint("passed", published=published)


async def main() -> None:
    """Be what the command line says."""
    settings = WorkerSettings.model_validate_json(sys.argv[1])
    parent = await Parent.connect()
    await {"consumer": consume, "relay": relay}[settings.role](settings, parent)


if __name__ == "__main__":
    asyncio.run(main())
