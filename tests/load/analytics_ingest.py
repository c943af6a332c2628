"""How fast events are taken in and asked about: `python -m tests.load.analytics_ingest [--events 100000]`.

`POST /api/v1/analytics/events/batch` in this process, a thousand events at a time, one request after the other, with
validation, a schema for one of the names and all indexes, into the server of `MONGODB_URI` or an embedded one; then the
questions that read all of them. What the process itself needs for a batch is its CPU time; the server has another.
"""

import argparse
import asyncio
import os
import random
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import batched
from typing import Any

from llmo_core.ids import new_id
from llmo_data import mongo
from tests.integration.analytics.tracking.calling import NOW, Tracked, event
from tests.integration.api_caller import ApiCaller
from tests.integration.stores import mongodb_server

_NAMES = ("page.viewed", "signup.started", "signup.completed", "checkout.started", "checkout.completed")
_PEOPLE = 5_000
_SCHEMA = {"required": ["plan"], "properties": {"plan": {"enum": ["free", "pro", "team"]}, "n": {"type": "integer"}}}
_FUNNEL = {"steps": [{"name": name} for name in _NAMES[:3]], "breakdown": "plan"}
_RETENTION = {"first": {"name": "signup.started"}, "returning": {"name": "page.viewed"}}
_QUESTIONS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("funnel of three steps, by a property", "POST", "/funnels", {"json": _FUNNEL}),
    ("retention by day", "POST", "/retention", {"json": _RETENTION}),
    ("counts of all names by hour", "GET", "/events/counts", {"params": {"interval": "hour"}}),
    ("the newest twenty", "GET", "/events", {}),
    ("the newest twenty of somebody", "GET", "/events", {"params": {"user_id": "u-7"}}),
)


def _events(count: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(8)  # noqa: S311 - a workload, not a secret
    for number in range(count):
        happened = NOW - timedelta(seconds=chance.randrange(6 * 86_400))
        said = {"plan": chance.choice(("free", "pro", "team")), "n": number, "path": f"/pages/{number % 997}"}
        user = f"u-{chance.randrange(_PEOPLE)}"
        name = chance.choice(_NAMES)
        yield event(number, name=name, user_id=user, timestamp=happened.isoformat(), properties=said)


async def _take_in(call: ApiCaller, count: int) -> None:
    took: list[float] = []
    cpu = 0.0
    for some in batched(_events(count), 1_000, strict=False):
        begun, worked = time.perf_counter(), time.process_time()
        answer = await call("POST", "/events/batch", json={"events": [*some]})
        took.append(time.perf_counter() - begun)
        cpu += time.process_time() - worked
        if answer.json()["accepted"] != len(some):
            raise SystemExit(answer.text[:500])
    took.sort()
    print(f"{count} events in {sum(took):.1f} s: {count / sum(took):,.0f} events/s")
    median, slow = took[len(took) // 2] * 1000, took[len(took) * 95 // 100] * 1000
    print(f"a batch of 1,000: p50 {median:.0f} ms, p95 {slow:.0f} ms")
    print(f"CPU of this process: {cpu / count * 1e6:.0f} us/event, which is {count / cpu:,.0f} events/s by itself")


async def _ask(call: ApiCaller) -> None:
    for what, method, path, asked in _QUESTIONS:
        begun = time.perf_counter()
        answer = await call(method, path, **asked)
        took = (time.perf_counter() - begun) * 1000
        print(f"{what}: {took:.0f} ms" + ("" if answer.is_success else f", {answer.json()['detail']}"))


async def _measure(count: int) -> None:
    async with mongodb_server() as uri:
        database = mongo.connect(uri, f"llmo_load_{new_id().hex}")
        tracked = Tracked(database)
        call = tracked.caller()
        schema = {"name": _NAMES[0], "mode": "enforce", "schema": _SCHEMA}
        await call("POST", "/event-schemas", json=schema)
        print(f"into {'MONGODB_URI' if 'MONGODB_URI' in os.environ else 'the embedded server'}")
        await _take_in(call, count)
        await _ask(call)
        await database.client.drop_database(database.name)
        await database.client.close()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    asyncio.run(_measure(parser.parse_args().events))


if __name__ == "__main__":
    main()
