"""Measure analytics: calls kept, rolled up and asked about, on the MongoDB of the environment or the laptop's own.

python -m tests.load.analytics [--calls 1000000] [--days 30]

Calls of one organization are spread over the days, with the dimensions that a busy one has. Ingestion goes through the
use case that the consumer calls, in batches of a hundred as SQS has them; rolling up through the schedule's; questions
through the one that the API asks, the dashboard's ten over all days. Then rollups of days are copied until there are
those of a year, and the largest questions are asked. Figures are of one process beside the server.

Nothing expires here: the embedded server looks for what has by reading every document, and does nothing else meanwhile.
"""

import argparse
import asyncio
import random
import resource
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from pymongo.asynchronous.database import AsyncDatabase

from analytics.querying.models import Interval, Metric, Order, Question
from analytics.rollups.folding import groups_of
from analytics.rollups.models import Granularity, GroupingSet, Unit
from analytics.usage.models import Dimension, UsageRecorded
from llmo_core.ids import new_id
from llmo_data import mongo
from llmo_data.mongo import Document
from llmo_messaging.consumer import Delivery
from llmo_messaging.envelope import Envelope
from local.stores.mongodb import mongodb_store
from local.stores.store import ExternalStore
from tests.clocks import MovableClock
from tests.integration.analytics.rolled import Platform

NOW = datetime(2026, 8, 17, 12, tzinfo=UTC)
BATCH = 100
ROUNDS, LARGE_ROUNDS = 20, 5
YEAR = 365
KEYS = [(new_id(), project) for project in (new_id() for _ in range(5)) for _ in range(4)]
MODELS = [("gpt-5", "openai"), ("gpt-5-mini", "openai"), ("claude-sonnet", "anthropic"), ("gemini-pro", "google")]
TOKENS = (Metric.INPUT_TOKENS, Metric.OUTPUT_TOKENS)
LATENCIES = (Metric.LATENCY_P50, Metric.LATENCY_P95, Metric.LATENCY_P99, Metric.TTFT_P95)


def made_calls(org_id: UUID, number: int, days: int) -> Iterator[list[Delivery[UsageRecorded]]]:
    """So many calls in batches, in the order of time."""
    chance = random.Random(7)  # noqa: S311 - the same calls for everybody who measures
    start, step = NOW - timedelta(days=days), timedelta(days=days) / number
    batch: list[Delivery[UsageRecorded]] = []
    for index in range(number):
        batch.append(_call(org_id, start + step * index, chance))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _call(org_id: UUID, at: datetime, chance: random.Random) -> Delivery[UsageRecorded]:
    model, provider = chance.choice(MODELS)
    key_id, project_id = chance.choice(KEYS)
    failed, hit = chance.random() < 0.01, chance.random() < 0.2
    latency = chance.lognormvariate(6.5, 0.7)
    event = UsageRecorded(
        request_id=f"req_{chance.getrandbits(64):x}",
        org_id=org_id,
        project_id=project_id,
        key_id=key_id,
        endpoint="chat.completions",
        requested_model=model,
        model=model,
        provider=provider,
        status="error" if failed else "ok",
        http_status=500 if failed else 200,
        stream=True,
        cache="hit" if hit else "miss",
        input_tokens=chance.randrange(50, 4000),
        cached_input_tokens=0,
        output_tokens=chance.randrange(1, 900),
        reasoning_tokens=0,
        estimated=False,
        cost_usd=Decimal(chance.randrange(10**9)).scaleb(-12),
        saved_usd=Decimal(0),
        price_version="1",
        latency_ms=latency,
        ttft_ms=latency / 4,
        started_at=at,
        end_user=f"user-{chance.randrange(2000)}",
        route=chance.choice([None, "chat", "support"]),
        output_tokens_per_second=chance.uniform(20, 120),
    )
    envelope = Envelope(
        id=new_id(), source="llmo.integration", type=UsageRecorded.event_type, time=at, orgid=org_id, data={}
    )
    return Delivery(envelope, event)


def dashboard(org_id: UUID, days: int) -> dict[str, Question]:
    """What a dashboard asks about the last days."""

    def over(*metrics: Metric, **more: object) -> Question:
        asked = {"org_id": org_id, "start": NOW - timedelta(days=days), "end": NOW, "metrics": metrics, **more}
        return Question.model_validate(asked)

    day, model = {"interval": Interval.DAY}, {"dimensions": (Dimension.MODEL,)}
    spent = Order(metric=Metric.COST_USD)
    return {
        "cost a day": over(Metric.COST_USD, Metric.SAVED_USD, **day),
        "requests and errors a day": over(Metric.REQUESTS, Metric.ERROR_RATE, Metric.CACHE_HIT_RATIO, **day),
        "cost by model and day": over(Metric.COST_USD, *TOKENS, **day, **model),
        "latency a day": over(*LATENCIES, **day),
        "latency by model": over(*LATENCIES, **model),
        "top keys": over(Metric.COST_USD, dimensions=(Dimension.KEY,), order=spent, limit=10),
        "top end users": over(Metric.COST_USD, dimensions=(Dimension.END_USER,), order=spent, limit=10),
        "model by project": over(Metric.COST_USD, dimensions=(Dimension.MODEL, Dimension.PROJECT)),
        "cost a day in Berlin": over(Metric.COST_USD, time_zone="Europe/Berlin", **day),
        "all in all": over(Metric.REQUESTS, Metric.COST_USD, Metric.UNIQUE_USERS, *LATENCIES),
    }


def largest(org_id: UUID) -> dict[str, Question]:
    """The largest questions there are: of a year."""
    midnight = Granularity.DAY.floor(NOW)

    def over(*metrics: Metric, **more: object) -> Question:
        asked = {
            "org_id": org_id,
            "start": midnight - timedelta(days=YEAR),
            "end": midnight,
            "metrics": metrics,
            **more,
        }
        return Question.model_validate(asked)

    two, month = {"dimensions": (Dimension.MODEL, Dimension.KEY)}, {"interval": Interval.MONTH}
    return {
        "a year: cost a day": over(Metric.COST_USD, interval=Interval.DAY),
        "a year: model by key": over(Metric.COST_USD, **two),
        "a year: model by key and month, with percentiles": over(Metric.COST_USD, *LATENCIES, **two, **month),
    }


@asynccontextmanager
async def server() -> AsyncIterator[tuple[str, AsyncDatabase[Document]]]:
    """The server's kind, and a database of its own there."""
    with tempfile.TemporaryDirectory() as state:
        store = mongodb_store(Path(state))
        uri = await store.start()
        database = mongo.connect(uri, f"llmo_load_{new_id().hex}")
        try:
            yield store.kind, database
        finally:
            if isinstance(store, ExternalStore):
                await database.client.drop_database(database.name)
            await database.client.close()
            await store.stop()


async def without_expiry(database: AsyncDatabase[Document]) -> None:
    """Drop the indexes by which documents expire."""
    for name in await database.list_collection_names():
        for index, about in (await database[name].index_information()).items():
            if "expireAfterSeconds" in about:
                await database[name].drop_index(index)


async def ask(platform: Platform, questions: dict[str, Question], rounds: int) -> None:
    """Print how long answers take, and how much of that is this process's own work."""
    everything = []
    for name, question in questions.items():
        took, worked = [], time.process_time()
        for _ in range(rounds):
            begun = time.perf_counter()
            await platform.answers.ask(question)
            took.append((time.perf_counter() - begun) * 1000)
        own = (time.process_time() - worked) / rounds * 1000
        everything += took
        print(f"  {name}: median {statistics.median(took):.1f} ms, most {max(took):.1f} ms, own CPU {own:.1f} ms")
    cuts = statistics.quantiles(everything, n=20)
    print(f"questions: p50 {statistics.median(everything):.1f} ms, p95 {cuts[-1]:.1f} ms")


async def copy_days(platform: Platform, org_id: UUID, days: int) -> None:
    """Write each day's rollup again for earlier days, until there are those of a year."""
    fence = await platform.rollups.fence()
    newest = Granularity.DAY.floor(NOW) - timedelta(days=1)
    for back in range(days - 1):
        day = newest - timedelta(days=back)
        groups = {
            each: groups_of(
                each, [part async for _, part in platform.rollups.parts(org_id, Granularity.DAY, each, [day])]
            )
            for each in GroupingSet
        }
        for copy in range(back + days, YEAR, days):
            unit = Unit(org_id, Granularity.DAY, newest - timedelta(days=copy))
            await platform.rollups.replace({unit: groups}, fence=fence)


async def measure(number: int, days: int) -> None:
    """Print what was measured."""
    async with server() as (kind, database):
        print(f"server: {kind}; {number:,} calls over {days} days")
        platform, org_id = Platform(database, NOW), new_id()
        taken = 0.0
        for count, batch in enumerate(made_calls(org_id, number, days)):
            if count == 1:
                await without_expiry(database)
            begun = time.perf_counter()
            await platform.recording.record(batch)
            taken += time.perf_counter() - begun
        print(f"kept: {number / taken:,.0f} calls/s")
        platform.clock = MovableClock(NOW)
        begun = time.perf_counter()
        rolled = await platform.rolling().roll(until=NOW + timedelta(hours=24))
        taken = time.perf_counter() - begun
        print(f"rolled up: {number / taken:,.0f} calls/s, {rolled.units:,} units in {taken:.1f} s")
        await without_expiry(database)
        await ask(platform, dashboard(org_id, days), ROUNDS)
        await copy_days(platform, org_id, days)
        await ask(platform, largest(org_id), LARGE_ROUNDS)
        print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB at most")


def main(description: str | None, measured: Callable[[int, int], Coroutine[Any, Any, None]]) -> None:
    """Measure so many calls of so many days."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    given = parser.parse_args()
    asyncio.run(measured(given.calls, given.days))


if __name__ == "__main__":
    main(__doc__, measure)
