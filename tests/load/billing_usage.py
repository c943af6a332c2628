"""How fast usage is counted and read: `python -m tests.load.billing_usage [--events 20000] [--profile] [--read]`.

The use case of the consumer over a real PostgreSQL, with everything that it keeps. Events of a batch are of one
organization and of one quarter of an hour, or of ten organizations. The rate of `with its envelope` contains what the
consumer does before: reading the message and validating it. `--read` counts a month of 10,000 calls,
copies what was counted for 99 other organizations, and reads what ten meters have counted of each.
"""

import argparse
import asyncio
import cProfile
import json
import pstats
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import batched
from multiprocessing import get_context
from statistics import median
from typing import LiteralString
from uuid import UUID

from billing.usage.models import UsageRecorded
from llmo_core.ids import new_id
from llmo_core.observability import metrics
from llmo_data.postgres import Database
from llmo_messaging.consumer import Consumer, Delivery, Handler
from tests.integration.billing.using import MONTH, Using, call, delivered
from tests.integration.stores import Postgres, administrator, migrated_database, postgres_server

_METERS: Sequence[Mapping[str, object]] = (
    {"aggregation": "count"},
    {"aggregation": "sum", "fields": ["input_tokens", "output_tokens"]},
    {"aggregation": "sum", "fields": ["cost_usd"]},
    {"aggregation": "sum", "fields": ["cached_input_tokens"]},
    {"aggregation": "sum", "fields": ["audio_seconds"]},
    {"aggregation": "count", "filters": [{"field": "model", "values": ["gpt-5"]}]},
    {"aggregation": "count", "filters": [{"field": "stream", "values": ["true"]}]},
    {"aggregation": "sum", "fields": ["output_tokens"], "filters": [{"field": "tags.team", "values": ["red"]}]},
    {"aggregation": "max", "fields": ["input_tokens"]},
    {"aggregation": "unique", "fields": ["end_user"]},
)
_ORGANIZATIONS = 100
_EVENTS_OF_EACH = 10_000
_COPIES: Sequence[LiteralString] = (
    """
    INSERT INTO billing.usage_counts (org_id, meter_id, slot, total, events, largest)
    SELECT other, meter_id, slot, total, events, largest
    FROM billing.usage_counts, unnest(%(others)s::uuid[]) AS other WHERE org_id = %(first)s
    """,
    """
    INSERT INTO billing.usage_values (org_id, meter_id, slot, value)
    SELECT other, meter_id, slot, value
    FROM billing.usage_values, unnest(%(others)s::uuid[]) AS other WHERE org_id = %(first)s
    """,
)


@dataclass(frozen=True, slots=True)
class Load:
    """What one process counts."""

    conninfo: dict[str, str | int]
    operator_id: UUID
    events: int
    batch: int
    organizations: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What it took: seconds of time, and of the process's CPU."""

    elapsed: float
    cpu: float


async def _spent(work: Callable[[], object]) -> Spent:
    before, cpu_before = time.perf_counter(), time.process_time()
    await work()  # type: ignore[misc]  # a coroutine
    return Spent(time.perf_counter() - before, time.process_time() - cpu_before)


def _calls(load: Load) -> Iterator[Sequence[Delivery[UsageRecorded]]]:
    organizations = [new_id() for _ in range(load.organizations)]
    made = (
        delivered(
            call(
                organizations[number % load.organizations],
                end_user=f"user-{number % 50}",
                input_tokens=number % 3000,
                tags={"team": "red" if number % 2 else "blue"},
            )
        )
        for number in range(load.events)
    )
    return (list(batch) for batch in batched(made, load.batch, strict=False))


async def _count(load: Load) -> Spent:
    database = Database(load.conninfo)
    recording = Using(database, load.operator_id).recording()
    batches = list(_calls(load))
    await recording.record(batches[0])  # connects

    async def work() -> None:
        for batch in batches[1:]:
            assert not await recording.record(batch)

    spent = await _spent(work)
    await database.close()
    return spent


async def _count_messages(load: Load) -> Spent:
    database = Database(load.conninfo)
    recording = Using(database, load.operator_id).recording()

    async def keep(deliveries: Sequence[Delivery[UsageRecorded]]) -> None:
        assert not await recording.record(deliveries)

    consumer = Consumer(Handler(UsageRecorded, keep))
    batches = [
        [
            {
                "messageId": f"{number}",
                "body": json.dumps({"detail": json.loads(each.envelope.to_json())}),
            }
            for number, each in enumerate(batch)
        ]
        for batch in _calls(load)
    ]
    await consumer.process(batches[0])

    async def work() -> None:
        for batch in batches[1:]:
            assert await consumer.process(batch) == {"batchItemFailures": []}
            metrics().clear_metrics()

    spent = await _spent(work)
    await database.close()
    return spent


def _in_process(load: Load) -> Spent:
    return asyncio.run(_count(load))


def _show(name: str, load: Load, spent: Sequence[Spent]) -> None:
    events = load.events - load.batch
    rates = [events / each.elapsed for each in spent]
    cpu = median(each.cpu for each in spent) / events * 1e6
    print(f"{name:64}{sum(rates):9.0f} events/s{min(rates):9.0f} a process{cpu:8.1f} µs CPU/event", flush=True)


async def _ingest(conninfo: dict[str, str | int], events: int, *, profile: bool) -> None:
    database = Database(conninfo)
    for meters in (1, 10):
        operator_id = new_id()
        using = Using(database, operator_id)
        for number, definition in enumerate(_METERS[:meters]):
            await using.make(code=f"m{number}", **definition)
        for batch, organizations in ((100, 1), (100, 10), (1000, 1), (1000, 10)):
            load = Load(conninfo, operator_id, events, batch, organizations)
            name = f"{meters} meters, batches of {batch} of {organizations} organizations"
            _show(name, load, [await _count(load)])
            if organizations == 1:
                _show(f"{name}, with its envelope", load, [await _count_messages(load)])
                with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
                    loop = asyncio.get_running_loop()
                    both = await asyncio.gather(*(loop.run_in_executor(pool, _in_process, load) for _ in range(2)))
                _show(f"{name}, two processes", load, both)
        if profile:
            with cProfile.Profile() as profiler:
                await _count(Load(conninfo, operator_id, events, 1000, 1))
            pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
    await database.close()


async def _read(postgres: Postgres) -> None:
    database = Database(postgres.conninfo("llmo_billing"))
    using = Using(database, new_id())
    codes = [f"m{number}" for number in range(len(_METERS))]
    for code, definition in zip(codes, _METERS, strict=True):
        await using.make(code=code, **definition)
    first, *others = organizations = [new_id() for _ in range(_ORGANIZATIONS)]
    step = (MONTH.end - MONTH.start) / _EVENTS_OF_EACH
    made = (
        delivered(call(first, started_at=(MONTH.start + step * number).isoformat(), end_user=f"user-{number % 50}"))
        for number in range(_EVENTS_OF_EACH)
    )
    before = time.perf_counter()
    for batch in batched(made, 1000, strict=False):
        assert not await using.recording().record(batch)
    print(f"a month of one organization, counted in {time.perf_counter() - before:.1f} s", flush=True)
    async with administrator(postgres.admin) as admin:
        for statement in _COPIES:
            await admin.execute(statement, {"first": first, "others": others})
        await admin.execute("ANALYZE billing.usage_counts, billing.usage_values")
        found = await admin.execute(
            "SELECT (SELECT count(*) FROM billing.usage_counts), (SELECT count(*) FROM billing.usage_values)"
        )
        print("rows of usage_counts and usage_values:", *(await found.fetchall()), flush=True)
    for name, wanted in (("ten meters", codes), ("nine without `unique`", codes[:-1]), ("one", codes[:1])):
        took = []
        for org_id in organizations:
            before = time.perf_counter()
            counted = await using.counted().quantities(org_id, wanted, MONTH)
            took.append(time.perf_counter() - before)
            assert counted["m0"] == _EVENTS_OF_EACH
        print(f"quantities of {name}: p50 {median(took) * 1e3:.1f} ms, max {max(took) * 1e3:.1f} ms", flush=True)
    await database.close()


async def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--read", action="store_true")
    asked = parser.parse_args()
    async with postgres_server({}) as admin, migrated_database(admin) as postgres:
        conninfo = postgres.conninfo("llmo_billing")
        await (_read(postgres) if asked.read else _ingest(conninfo, asked.events, profile=asked.profile))


if __name__ == "__main__":
    asyncio.run(main())
