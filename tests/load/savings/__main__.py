"""What the optimizations save, over one workload, each added to those before: `python -m tests.load.savings`.

Every run is an organization of its own with an empty cache, over the real gateway, PostgreSQL and Redis; the numbers
are read from its usage events. `less` is how much less was paid than without any, which nobody had to estimate; `saved`
is what the gateway says that it saved. Bounded: 400 calls a run, to loopback only. Takes about three minutes.
"""

import asyncio
import os
import statistics
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import aiohttp
import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb
from redis.asyncio import Redis

from integration.gateway.app import GatewayApp
from integration.gateway.wiring import Wired
from tests.fakes.eventbridge import FakeEventBridge, running_eventbridge
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.platform import serving, settings_for
from tests.integration.organizations import PEPPER, MakeOrg, Org
from tests.integration.stores import Postgres, migrated_database, postgres_server, redis_server
from tests.load.savings.provider import provider
from tests.load.savings.workload import Asked, workload

AT_ONCE: Final = 8
_COLUMNS: Final = (
    "with",
    "to the provider",
    "input tokens",
    "output tokens",
    "cost USD",
    "less",
    "saved USD",
    "p50 ms",
    "p95 ms",
)
# Each has what those before it have.
STEPS: Final[Mapping[str, Mapping[str, Any]]] = {
    "exact cache, shared calls": {},
    "cache by form": {"cache": "form"},
    "compact": {"compact": True},
    "trim to 1,000 tokens": {"trim_to_tokens": 1_000},
    "answers up to 250 tokens": {"max_output_tokens": 250},
    "gpt-4o-mini up to 600 tokens": {
        "substitute_models": Jsonb({"gpt-4o": "gpt-4o-mini"}),
        "substitute_up_to_tokens": 600,
    },
}


@dataclass(frozen=True)
class Stage:
    """What the runs share."""

    url: str
    bus: FakeEventBridge
    redis: Redis
    make_org: MakeOrg


@dataclass(frozen=True)
class Run:
    """What one run came to; times in milliseconds."""

    name: str
    calls: int
    answered_by_provider: int
    input_tokens: int
    output_tokens: int
    cost: Decimal
    saved: Decimal
    p50: float
    p95: float


async def main() -> None:
    """Make the workload once without and once with each optimization, and print a table."""
    calls = workload()
    print(f"{len(calls)} calls, {AT_ONCE} at once\n")
    print(f"| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}")
    async with _stage() as stage:
        first = await _run(stage, "nothing", calls, None)
        _show(first, first)
        policy: dict[str, Any] = {}
        for name, added in STEPS.items():
            policy |= added
            _show(await _run(stage, name, calls, policy), first)


async def _run(stage: Stage, name: str, calls: list[Asked] | Any, policy: Mapping[str, Any] | None) -> Run:
    org = await stage.make_org()
    if policy:
        await SetUp(stage.make_org.connection, stage.redis, org).policy(**policy)
    headers = {"authorization": f"Bearer {org.api_key}"} | ({"x-llmo-cache": "no-store"} if policy is None else {})
    left = iter(calls)
    async with aiohttp.ClientSession(headers=headers) as session:
        await asyncio.gather(*(_work(session, stage.url, left) for _ in range(AT_ONCE)))
    return _result(name, org, [event["data"] for event in stage.bus.events_of(org.org_id)])


async def _work(session: aiohttp.ClientSession, url: str, left: Any) -> None:
    for asked in left:
        async with session.post(f"{url}/v1/{asked.path}", json=asked.body) as response:
            await response.read()
            response.raise_for_status()


def _result(name: str, org: Org, events: list[dict[str, Any]]) -> Run:
    assert len(events) == len({event["request_id"] for event in events}), org
    asked = [event for event in events if event["cache"] != "hit"]
    latencies = sorted(event["latency_ms"] for event in events)
    return Run(
        name=name,
        calls=len(events),
        answered_by_provider=len(asked),
        input_tokens=sum(event["input_tokens"] for event in asked),
        output_tokens=sum(event["output_tokens"] for event in asked),
        cost=sum((Decimal(event["cost_usd"]) for event in events), Decimal(0)),
        saved=sum((Decimal(event["saved_usd"]) for event in events), Decimal(0)),
        p50=statistics.median(latencies),
        p95=latencies[int(len(latencies) * 0.95)],
    )


def _show(run: Run, first: Run) -> None:
    assert run.calls == first.calls
    columns = (
        run.name,
        str(run.answered_by_provider),
        f"{run.input_tokens:,}",
        f"{run.output_tokens:,}",
        f"{run.cost:.4f}",
        f"{(first.cost - run.cost) / first.cost:.0%}",
        f"{run.saved:.4f}",
        f"{run.p50:.0f}",
        f"{run.p95:.0f}",
    )
    print(f"| {' | '.join(columns)} |", flush=True)


@asynccontextmanager
async def _stage() -> AsyncIterator[Stage]:
    async with (
        postgres_server(os.environ) as admin,
        migrated_database(admin) as postgres,
        redis_server() as redis_url,
        running_eventbridge() as bus,
        provider() as provider_url,
        await psycopg.AsyncConnection.connect(make_conninfo("", **postgres.admin), autocommit=True) as connection,
        Redis.from_url(redis_url) as redis,
        serving(_gateway(provider_url, bus, postgres, redis_url)) as url,
    ):
        yield Stage(url, bus, redis, MakeOrg(connection))


def _gateway(provider_url: str, bus: FakeEventBridge, postgres: Postgres, redis_url: str) -> GatewayApp:
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    conninfo = postgres.conninfo("llmo_integration")
    secrets = {"redis": redis_url, "pepper": PEPPER, "upstream": "sk", "password": str(conninfo.get("password", ""))}
    settings = settings_for(provider_url, bus, conninfo)
    return GatewayApp(lambda: Wired(settings, secret=secrets.__getitem__))


def _keep_the_log_out_of_the_table() -> None:
    """The gateway of this process logs each call to descriptor 1: printing goes where that led, its log nowhere."""
    sys.stdout = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    _keep_the_log_out_of_the_table()
    asyncio.run(main())
