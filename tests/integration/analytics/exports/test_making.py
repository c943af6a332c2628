"""Exports as the worker makes them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from analytics.exports.columns import SOURCES
from analytics.exports.models import Format, NoSuchExport, Order, Position, State, What
from analytics.exports.ports import Files, Rows
from analytics.exports.raw_events import MongoRawEvents
from analytics.models import StoreUnavailable, TooSlow
from llmo_core.ids import new_id
from llmo_data.mongo import Document
from llmo_data.objects import ObjectsUnavailable
from tests.integration.analytics.buses import BrokenBus, RecordingBus
from tests.integration.analytics.exports.exporting import LONG, Exporting, costs_of
from tests.integration.analytics.mortal import Killed, Mortal


class BrokenFiles(Files):
    """An S3 that does not answer."""

    async def put(self, order: Order, key: str, content: bytes) -> None:  # noqa: ARG002
        raise ObjectsUnavailable


class OneByOne(MongoRawEvents):
    """Finds events one by one."""

    def __init__(self, exporting: Exporting, order: Order) -> None:
        super().__init__(exporting.database, SOURCES[order.what])

    async def batches(self, org_id: UUID, order: Order, *, after: Position | None, most: int) -> AsyncGenerator[Rows]:
        async for batch in super().batches(org_id, order, after=after, most=most):
            for row in batch:
                yield [row]


class Unreadable(OneByOne):
    """Finds one event, and then no more."""

    def __init__(self, exporting: Exporting, order: Order, error: Exception) -> None:
        super().__init__(exporting, order)
        self._error = error

    async def batches(self, org_id: UUID, order: Order, *, after: Position | None, most: int) -> AsyncGenerator[Rows]:
        async for batch in super().batches(org_id, order, after=after, most=min(most, 1)):
            yield batch
        raise self._error


class Finds(CommandListener):
    """Notes how long finds may take, in milliseconds."""

    def __init__(self) -> None:
        self.limits: list[int] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "find":
            self.limits.append(event.command["maxTimeMS"])

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


@pytest.mark.parametrize("kind", [Format.CSV, Format.PARQUET])
async def test_an_export_has_every_call_once_in_files_of_bounded_size(exporting: Exporting, kind: Format) -> None:
    costs = await exporting.calls(11)

    export = await exporting.finished(await exporting.request(format=kind))

    assert export.state is State.DONE
    assert export.progress.estimated_rows == 11
    assert [part.rows for part in export.progress.parts] == [4, 4, 3]
    assert [part.size for part in export.progress.parts] == [
        len(exporting.content(part)) for part in export.progress.parts
    ]
    rows = exporting.rows(export)
    assert costs_of(rows) == [Decimal(cost) for cost in costs]
    assert len({row["id"] for row in rows}) == 11
    assert [row["started_at"] for row in rows] == sorted(row["started_at"] for row in rows)


@pytest.mark.parametrize("kind", [Format.CSV, Format.PARQUET])
async def test_a_file_ends_where_it_is_large_and_nothing_is_missing(exporting: Exporting, kind: Format) -> None:
    costs = await exporting.calls(11)
    export = await exporting.request(format=kind)

    done = await exporting.finished(
        export, part_rows=7, part_bytes=900, events=lambda order: OneByOne(exporting, order)
    )

    assert done.state is State.DONE
    assert all(0 < part.rows < 7 for part in done.progress.parts)
    assert costs_of(exporting.rows(done)) == [Decimal(cost) for cost in costs]


async def test_a_range_without_calls_is_one_file_with_a_header(exporting: Exporting) -> None:
    export = await exporting.finished(await exporting.request())

    [part] = export.progress.parts
    assert (export.state, part.rows) == (State.DONE, 0)
    assert exporting.content(part).startswith(b"id,started_at,request_id,")


async def test_only_calls_of_the_order_are_written_and_none_of_another_organization(exporting: Exporting) -> None:
    other = Exporting(exporting.database, exporting.bucket, exporting.client)
    await other.calls(3)
    await exporting.calls(2, model="gpt-4o")
    await exporting.calls(2, model="gpt-4o-mini", tags={"team": "search"})

    by_model = await exporting.finished(await exporting.request(model="gpt-4o"))
    by_tag = await exporting.finished(await exporting.request(tag="team=search"))
    by_key = await exporting.finished(await exporting.request(key_id=new_id()))

    assert [row["model"] for row in exporting.rows(by_model)] == ["gpt-4o"] * 2
    assert [row["tags"] for row in exporting.rows(by_tag)] == ["team=search"] * 2
    assert exporting.rows(by_key) == []
    with pytest.raises(NoSuchExport):
        await other.exports.find(other.org_id, by_model.id)


async def test_a_name_that_looks_like_a_formula_is_not_run_by_a_spreadsheet(exporting: Exporting) -> None:
    await exporting.calls(1, end_user="=cmd|' /C calc'!A0")

    [row] = exporting.rows(await exporting.finished(await exporting.request()))

    assert row["end_user"] == "'=cmd|' /C calc'!A0"


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, 13))
async def test_a_worker_that_is_killed_at_any_step_loses_and_doubles_nothing(
    exporting: Exporting, step: int, *, before: bool
) -> None:
    costs = await exporting.calls(11)
    export = await exporting.request()
    steps: list[str] = []
    ports = {"exports": exporting.exports, "files": exporting.files, "announcements": exporting.announcements}
    mortal = {name: Mortal(port, steps, step, before=before) for name, port in ports.items()}

    with suppress(Killed):
        await exporting.finished(export, **mortal)
    exporting.clock.advance(minutes=5)
    await exporting.worker().tick(until=exporting.clock.now() + LONG)

    done = await exporting.found(export)
    assert done.state is State.DONE
    assert costs_of(exporting.rows(done)) == [Decimal(cost) for cost in costs]
    told = exporting.bus.of("export.completed")
    assert len({event.id for event in told}) == 1
    assert told[-1].data["rows"] == 11
    assert await exporting.exports.unannounced(limit=1) == []


async def test_the_steps_are_fewer_than_those_at_which_workers_are_killed(exporting: Exporting) -> None:
    await exporting.calls(11)
    steps: list[str] = []
    ports = {"exports": exporting.exports, "files": exporting.files, "announcements": exporting.announcements}

    await exporting.finished(
        await exporting.request(), **{name: Mortal(port, steps, 0, before=True) for name, port in ports.items()}
    )

    assert steps == ["take", *["put", "advance"] * 3, "finish", "unannounced", "completed", "announced"]


async def test_two_workers_at_once_make_one_export(exporting: Exporting) -> None:
    costs = await exporting.calls(11)
    export = await exporting.request()
    until = exporting.clock.now() + LONG

    await asyncio.gather(*(exporting.worker().advance(export.id, until=until) for _ in range(3)))

    done = await exporting.found(export)
    assert costs_of(exporting.rows(done)) == [Decimal(cost) for cost in costs]


async def test_a_worker_that_lost_its_lease_changes_nothing_any_more(exporting: Exporting) -> None:
    costs = await exporting.calls(6)
    export = await exporting.request()
    arrived, go_on = asyncio.Event(), asyncio.Event()
    files = exporting.files

    class Slow(Files):
        async def put(self, order: Order, key: str, content: bytes) -> None:  # noqa: ARG002
            arrived.set()
            await go_on.wait()
            await files.put(order, key, b"nonsense")

    slow = asyncio.create_task(exporting.worker(files=Slow()).advance(export.id, until=exporting.clock.now() + LONG))
    await arrived.wait()
    exporting.clock.advance(minutes=4)
    done = await exporting.finished(export)
    go_on.set()
    await slow

    assert await exporting.found(export) == done
    assert costs_of(exporting.rows(done)) == [Decimal(cost) for cost in costs]


async def test_what_time_does_not_suffice_for_is_left_to_the_next_worker_at_once(exporting: Exporting) -> None:
    costs = await exporting.calls(11)
    export = await exporting.request()
    files = exporting.files

    class Ticking(Files):
        async def put(self, order: Order, key: str, content: bytes) -> None:
            await files.put(order, key, content)
            exporting.clock.advance(seconds=60)

    until = exporting.clock.now() + timedelta(seconds=100)
    await exporting.worker(files=Ticking()).advance(export.id, until=until)

    left = await exporting.found(export)
    assert (left.state, left.progress.rows) == (State.RUNNING, 4)
    assert len(exporting.bus.of("export.requested")) == 2
    assert costs_of(exporting.rows(await exporting.finished(export))) == [Decimal(cost) for cost in costs]


async def test_a_cancelled_export_is_written_no_further(exporting: Exporting) -> None:
    await exporting.calls(11)
    export = await exporting.request()
    files, service = exporting.files, exporting.service

    class Cancelling(Files):
        async def put(self, order: Order, key: str, content: bytes) -> None:
            await files.put(order, key, content)
            await service.cancel(exporting.org_id, export.id)

    done = await exporting.finished(export, files=Cancelling())

    assert (done.state, done.progress.rows) == (State.CANCELLED, 0)
    assert await exporting.service.show(exporting.org_id, export.id) == (done, ())


async def test_while_s3_does_not_answer_an_export_waits_and_goes_on_afterwards(exporting: Exporting) -> None:
    await exporting.calls(3)
    export = await exporting.request()

    for _ in range(7):
        await exporting.worker(files=BrokenFiles()).advance(export.id, until=exporting.clock.now() + LONG)
        exporting.clock.advance(minutes=2)
    waiting = await exporting.found(export)
    done = await exporting.finished(export)

    assert (waiting.state, waiting.progress.rows) == (State.RUNNING, 0)
    assert (done.state, done.progress.rows) == (State.DONE, 3)


@pytest.mark.parametrize("error", [TooSlow(), StoreUnavailable()], ids=lambda error: error.code)
async def test_a_read_that_does_not_answer_is_nobodys_attempt(exporting: Exporting, error: Exception) -> None:
    await exporting.calls(3)
    export = await exporting.request()

    for _ in range(7):
        await exporting.finished(export, events=lambda order: Unreadable(exporting, order, error))
        exporting.clock.advance(minutes=2)
    waiting = await exporting.found(export)
    done = await exporting.finished(export)

    assert (waiting.state, waiting.progress.rows) == (State.RUNNING, 0)
    assert (done.state, done.progress.rows) == (State.DONE, 3)


async def test_reading_may_take_longer_than_where_somebody_waits(
    exporting: Exporting, mongodb_uri: str, mongodb_database: str
) -> None:
    seen = Finds()
    client: AsyncMongoClient[Document] = AsyncMongoClient(
        mongodb_uri, tz_aware=True, uuidRepresentation="standard", event_listeners=[seen]
    )
    order = (await exporting.request()).order
    source = MongoRawEvents(client[mongodb_database], SOURCES[order.what])

    async with client:
        assert [batch async for batch in source.batches(exporting.org_id, order, after=None, most=1)] == []

    assert seen.limits == [60_000]


async def test_what_cannot_be_written_for_a_day_is_given_up_and_says_why(exporting: Exporting) -> None:
    await exporting.calls(3)
    export = await exporting.request()
    exporting.clock.advance(hours=25)

    failed = await exporting.finished(export, files=BrokenFiles())

    assert (failed.state, failed.failure) == (State.FAILED, "It could not be written for a day.")


async def test_what_a_failed_export_says_has_nothing_of_its_events(exporting: Exporting) -> None:
    await exporting.calls(3)
    error = ValueError("1E+26 of somebody@example.org has too many digits")

    failed = await exporting.finished(
        await exporting.request(), events=lambda order: Unreadable(exporting, order, error)
    )

    assert (failed.state, failed.failure) == (State.FAILED, "An event cannot be written in this format.")


async def test_an_export_that_kills_every_worker_is_given_up_after_five(exporting: Exporting) -> None:
    await exporting.calls(3)
    export = await exporting.request()
    for _ in range(5):
        with pytest.raises(Killed):
            await exporting.finished(export, files=Mortal(exporting.files, [], 1, before=True))
        exporting.clock.advance(minutes=4)

    failed = await exporting.finished(export)

    assert (failed.state, failed.failure) == (State.FAILED, "It could not be written in five attempts.")


async def test_what_the_bus_does_not_take_is_told_later(exporting: Exporting) -> None:
    await exporting.calls(1)
    export = await exporting.request()
    quiet = Exporting(exporting.database, exporting.bucket, exporting.client, bus=BrokenBus())

    await exporting.finished(export, announcements=quiet.announcements)
    await exporting.worker().tick(until=exporting.clock.now() + LONG)

    [told] = [event for event in exporting.bus.of("export.completed") if event.orgid == exporting.org_id]
    assert told.data["actor_id"] == str(exporting.org_id)
    assert told.data["what"] == What.USAGE


async def test_an_export_that_nobody_was_woken_for_is_found(exporting: Exporting) -> None:
    exporting.bus = BrokenBus()
    export = await exporting.request()

    exporting.bus = RecordingBus()
    await exporting.worker().tick(until=exporting.clock.now() + LONG)

    assert (await exporting.found(export)).state is State.DONE
