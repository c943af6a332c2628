"""The transactional outbox on the real database, over a bus that does what the test says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from psycopg import errors, sql

from llmo_core.ids import new_id
from llmo_core.trace import enter_trace
from llmo_data.outbox import Backlog, Outbox, OutboxRelay, Relayed
from llmo_data.postgres import Database
from llmo_messaging.bus import EventBus, PublishFailed
from llmo_messaging.envelope import Envelope, Event
from tests.integration.service_schema import ServiceSchema, service_schema
from tests.integration.stores import Postgres

NOW = datetime(2026, 8, 17, 12, tzinfo=UTC)


class Counted(Event, name="llmo.tests.thing.counted"):
    number: int


class Clock:
    def now(self) -> datetime:
        return NOW


class Bus:
    """Keeps what it takes; `refuses` says what it does not take, and clearing `open` makes everybody wait."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.refuses: Callable[[int], bool] = lambda _number: False
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()

    async def publish(self, events: Sequence[Envelope]) -> None:
        self.asked.set()
        await self.open.wait()
        for event in events:
            if self.refuses(event.data["number"]):
                raise PublishFailed("refused")
            self.taken.append(event)

    @property
    def numbers(self) -> list[int]:
        return [event.data["number"] for event in self.taken]


class Bench:
    """One service's outbox, and any number of relays."""

    def __init__(self, postgres: Postgres, schema: ServiceSchema) -> None:
        self.bus = Bus()
        self.schema = schema
        self.org_id = new_id()
        self.database = Database(postgres.conninfo("llmo_auth"), max_connections=4)
        self.relaying = Database(postgres.conninfo("llmo_relay"), max_connections=4)
        self.outbox = self.outbox_over(self.bus)

    def outbox_over(self, bus: EventBus, *, patience_seconds: float = 1.0) -> Outbox:
        return Outbox(
            database=self.database,
            schema=self.schema.name,
            bus=lambda: bus,
            clock=Clock(),
            new_id=new_id,
            patience_seconds=patience_seconds,
        )

    def relay(self, bus: EventBus | None = None, *, batch: int = 500) -> OutboxRelay:
        return OutboxRelay(database=self.relaying, schema=self.schema.name, bus=lambda: bus or self.bus, batch=batch)

    async def announce(self, *numbers: int, aggregate_id: UUID, org_id: UUID | None = None) -> None:
        """In one transaction."""
        org_id = org_id or self.org_id
        async with self.database.transaction(org_id):
            for number in numbers:
                await self.outbox.announce(Counted(number=number), org_id=org_id, aggregate_id=aggregate_id)

    async def leave(self, *numbers: int, aggregate_id: UUID, org_id: UUID | None = None) -> None:
        """Announce while the bus is down."""
        before, self.bus.refuses = self.bus.refuses, lambda _number: True
        await self.announce(*numbers, aggregate_id=aggregate_id, org_id=org_id)
        self.bus.refuses = before

    async def waiting(self) -> int:
        return (await self.relay().backlog(NOW)).events


@pytest_asyncio.fixture
async def bench(postgres: Postgres) -> AsyncIterator[Bench]:
    async with service_schema(postgres.admin) as schema:
        made = Bench(postgres, schema)
        yield made
        await made.database.close()
        await made.relaying.close()


async def test_an_event_is_published_after_the_commit_and_not_before(bench: Bench) -> None:
    async with bench.database.transaction(bench.org_id):
        await bench.outbox.announce(Counted(number=1), org_id=bench.org_id, aggregate_id=new_id())
        assert bench.bus.taken == []

    assert bench.bus.numbers == [1]
    assert await bench.waiting() == 0


async def test_what_is_rolled_back_is_never_published(bench: Bench) -> None:
    async def rolled_back() -> None:
        async with bench.database.transaction(bench.org_id):
            await bench.outbox.announce(Counted(number=1), org_id=bench.org_id, aggregate_id=new_id())
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await rolled_back()
    await bench.relay().publish()

    assert bench.bus.taken == []


async def test_an_event_says_who_it_is_about_and_which_trace_it_belongs_to(bench: Bench) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    async def request() -> None:
        enter_trace(traceparent)
        await bench.announce(1, aggregate_id=new_id())

    await asyncio.create_task(request())

    (event,) = bench.bus.taken
    assert (event.type, event.source) == ("llmo.tests.thing.counted", "llmo.tests")
    assert (event.orgid, event.time, event.traceparent) == (bench.org_id, NOW, traceparent)


async def test_while_the_bus_is_down_the_request_succeeds_and_the_relay_publishes_later(bench: Bench) -> None:
    await bench.leave(1, 2, aggregate_id=new_id())
    assert (bench.bus.taken, await bench.waiting()) == ([], 2)

    assert await bench.relay().publish() == Relayed(published=2, failed=0)
    assert (bench.bus.numbers, await bench.waiting()) == ([1, 2], 0)
    assert await bench.relay().publish() == Relayed(published=0, failed=0)


async def test_a_bus_that_does_not_answer_keeps_the_request_waiting_for_no_longer_than_its_patience(
    bench: Bench,
) -> None:
    bench.bus.open.clear()
    outbox = bench.outbox_over(bench.bus, patience_seconds=0.01)

    await outbox.announce(Counted(number=1), org_id=bench.org_id, aggregate_id=new_id())

    bench.bus.open.set()
    assert await bench.waiting() == 1


async def test_the_events_of_an_aggregate_stay_in_order_when_one_of_them_is_refused(bench: Bench) -> None:
    stuck, free = new_id(), new_id()
    await bench.leave(1, 2, 3, aggregate_id=stuck)
    await bench.leave(10, 11, aggregate_id=free)
    bench.bus.refuses = lambda number: number == 2

    assert await bench.relay().publish() == Relayed(published=3, failed=1)
    assert sorted(bench.bus.numbers) == [1, 10, 11]

    bench.bus.refuses = lambda _number: False
    await bench.relay().publish()
    assert [number for number in bench.bus.numbers if number < 10] == [1, 2, 3]


async def test_a_later_request_publishes_what_an_earlier_one_of_its_aggregate_left_first(bench: Bench) -> None:
    aggregate = new_id()
    await bench.leave(1, aggregate_id=aggregate)
    await bench.leave(9, aggregate_id=new_id())

    await bench.announce(2, aggregate_id=aggregate)

    assert bench.bus.numbers == [1, 2]
    assert await bench.waiting() == 1


async def test_requests_at_the_same_time_keep_the_order_of_their_commits(bench: Bench) -> None:
    aggregate = new_id()
    committed: list[int] = []

    async def request(number: int) -> None:
        async with bench.database.transaction(bench.org_id):
            await bench.outbox.announce(Counted(number=number), org_id=bench.org_id, aggregate_id=aggregate)
            committed.append(number)  # whoever holds the aggregate's lock commits next

    await asyncio.gather(*(request(number) for number in range(12)))
    while (await bench.relay().publish()).published:
        pass

    assert bench.bus.numbers == committed
    assert sorted(committed) == list(range(12))


async def test_relays_at_the_same_time_publish_every_event_once_and_in_order(bench: Bench) -> None:
    aggregates = [new_id() for _ in range(5)]
    for number in range(40):
        await bench.leave(number, aggregate_id=aggregates[number % 5])

    async def run() -> None:
        while await bench.waiting():
            await bench.relay(batch=7).publish()

    await asyncio.gather(run(), run(), run())

    assert sorted(bench.bus.numbers) == list(range(40))
    for first in range(5):
        assert [number for number in bench.bus.numbers if number % 5 == first] == list(range(first, 40, 5))


async def test_a_relay_that_dies_between_publishing_and_deleting_publishes_again(bench: Bench) -> None:
    await bench.leave(1, aggregate_id=new_id())

    class Dying(Bus):
        async def publish(self, events: Sequence[Envelope]) -> None:
            await super().publish(events)
            raise asyncio.CancelledError

    dying = Dying()
    with suppress(asyncio.CancelledError):
        await bench.relay(dying).publish()
    assert dying.numbers == [1]

    await bench.relay().publish()

    assert [event.id for event in bench.bus.taken] == [event.id for event in dying.taken]


async def test_the_relay_skips_what_another_one_is_publishing(bench: Bench) -> None:
    await bench.leave(1, 2, aggregate_id=new_id())
    await bench.leave(3, aggregate_id=new_id())
    slow = Bus()
    slow.open.clear()
    under_way = asyncio.create_task(bench.relay(slow).publish())
    await slow.asked.wait()

    assert await bench.relay().publish() == Relayed(published=0, failed=0)

    slow.open.set()
    await under_way
    assert sorted(slow.numbers) == [1, 2, 3]


async def test_the_backlog_tells_how_much_waits_and_for_how_long(bench: Bench) -> None:
    assert await bench.relay().backlog(NOW) == Backlog(0, timedelta())

    await bench.leave(1, 2, aggregate_id=new_id())

    later = NOW + timedelta(minutes=7)
    assert await bench.relay().backlog(later) == Backlog(2, timedelta(minutes=7))


async def test_a_service_sees_the_outbox_of_the_organization_it_acts_for_only(bench: Bench) -> None:
    other = new_id()
    await bench.leave(1, aggregate_id=new_id())
    await bench.leave(2, aggregate_id=new_id(), org_id=other)
    own_relay = OutboxRelay(database=bench.database, schema=bench.schema.name, bus=lambda: bench.bus)

    await own_relay.publish(org_id=other)

    assert bench.bus.numbers == [2]


@pytest.mark.parametrize("right", ["INSERT", "UPDATE"])
async def test_the_relay_adds_and_changes_no_event(bench: Bench, right: str) -> None:
    await bench.leave(1, aggregate_id=new_id())
    table = bench.schema.table("outbox")
    statement = {
        "INSERT": sql.SQL(
            "INSERT INTO {} (event_id, org_id, aggregate_id, envelope, created_at) SELECT event_id, org_id,"
            " aggregate_id, envelope, created_at FROM {}"
        ).format(table, table),
        "UPDATE": sql.SQL("UPDATE {} SET envelope = '{{}}'").format(table),
    }[right]

    with pytest.raises(errors.InsufficientPrivilege):
        async with bench.relaying.transaction() as connection:
            await connection.execute(statement)
