"""The inbox on the real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from psycopg import errors, sql

from llmo_core.ids import new_id
from llmo_data.inbox import Inbox
from llmo_data.postgres import Database
from llmo_messaging.envelope import Envelope, Event
from tests.integration.service_schema import ServiceSchema, service_schema
from tests.integration.stores import Postgres

NOW = datetime(2026, 8, 17, 12, tzinfo=UTC)
ORG = new_id()


class Counted(Event, name="llmo.tests.thing.counted"):
    number: int = 1


def events(count: int) -> list[Envelope]:
    return [Envelope.of(Counted(), event_id=new_id(), org_id=ORG, time=NOW) for _ in range(count)]


@pytest_asyncio.fixture
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    opened = Database(postgres.conninfo("llmo_auth"), max_connections=4)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def schema(postgres: Postgres) -> AsyncIterator[ServiceSchema]:
    async with service_schema(postgres.admin) as made:
        yield made


class Consumer:
    """Has an effect for each event, in the transaction that admits it."""

    def __init__(self, database: Database, schema: ServiceSchema, name: str = "counter") -> None:
        self._database = database
        self._inbox = Inbox(schema=schema.name, consumer=name)
        self._effects = schema.table("effects")

    async def __call__(self, batch: list[Envelope], *, dies: bool = False) -> list[Envelope]:
        async with self._database.transaction(ORG) as connection:
            admitted = await self._inbox.admit(connection, batch, now=NOW)
            insert = sql.SQL("INSERT INTO {} (org_id, event_id) VALUES (%s, %s)").format(self._effects)
            for event in admitted:
                await connection.execute(insert, (event.orgid, event.id))
            if dies:
                raise RuntimeError("killed")
        return list(admitted)

    async def effects(self) -> list[object]:
        async with self._database.transaction(ORG) as connection:
            rows = await (
                await connection.execute(sql.SQL("SELECT event_id FROM {} ORDER BY id").format(self._effects))
            ).fetchall()
        return [row["event_id"] for row in rows]


async def test_an_event_that_comes_twice_has_one_effect(database: Database, schema: ServiceSchema) -> None:
    consumer = Consumer(database, schema)
    first, second, third = events(3)

    assert await consumer([first, second, first]) == [first, second]
    assert await consumer([second, third]) == [third]

    assert await consumer.effects() == [first.id, second.id, third.id]


async def test_an_event_whose_effect_was_undone_is_admitted_again(database: Database, schema: ServiceSchema) -> None:
    consumer = Consumer(database, schema)
    batch = events(2)
    with pytest.raises(RuntimeError, match="killed"):
        await consumer(batch, dies=True)

    assert await consumer(batch) == batch


async def test_every_consumer_has_an_inbox_of_its_own(database: Database, schema: ServiceSchema) -> None:
    batch = events(2)

    assert await Consumer(database, schema, "counter")(batch) == batch
    assert await Consumer(database, schema, "mailer")(batch) == batch


async def test_deliveries_at_the_same_time_have_one_effect(database: Database, schema: ServiceSchema) -> None:
    consumer = Consumer(database, schema)
    batch = events(30)

    await asyncio.gather(consumer(batch), consumer(batch[::-1]), consumer(batch[10:]), consumer(batch[:20]))

    assert sorted(map(str, await consumer.effects())) == sorted(str(event.id) for event in batch)


async def test_no_events_are_none(database: Database, schema: ServiceSchema) -> None:
    assert await Consumer(database, schema)([]) == []


async def test_another_organizations_event_is_refused(database: Database, schema: ServiceSchema) -> None:
    foreign = Envelope.of(Counted(), event_id=new_id(), org_id=new_id(), time=NOW)

    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        await Consumer(database, schema)([foreign])
