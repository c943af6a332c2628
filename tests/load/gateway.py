"""Measures the gateway beside its own upstream, in one run: `make bench`.

The gateway runs as one uvicorn process on core 0; upstream, Redis, PostgreSQL and the client on the other cores. With
key, limits, budget, cache and metering on. Only ratios and differences within one run mean anything: machines are
noisy. Prints one line per level and, at the end, the figures of DESIGN's budgets.
"""

import argparse
import asyncio
import json
import os
import pstats
import signal
import socket
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from llmo_data.postgres import insert
from tests.integration.organizations import PEPPER, MakeOrg, Org
from tests.integration.stores import migrated_database, postgres_server, redis_server
from tests.load.client import Load, Timings, run
from tests.load.upstream import CHUNKS

_OFTEN = 0.9
_SHOWN = 40
_RUN = Path(__file__).parents[2] / "functions" / "integration" / "gateway" / "run.sh"


@dataclass(frozen=True)
class Level:
    """What one level measured; times in milliseconds."""

    target: str
    kind: str
    connections: int
    requests_per_second: float
    p50: float
    p95: float
    first_p50: float
    cpu_per_request: float
    memory_mib: float


@dataclass(frozen=True)
class Target:
    """What is put under load."""

    name: str
    url: str
    key: str
    process: psutil.Process | None


async def shadow(requests: int, rounds: int) -> None:
    """Measure misses of a project that compares forms beside those of one that compares meanings, and print.

    Every question is in the same bucket, which soon has 256 entries that are all as near: a vector, four entries that
    the guards refuse, and an entry that is written. The embedding comes as fast as the upstream can answer.
    """
    core, rest = _cores()
    os.sched_setaffinity(0, rest)
    async with _gateway(core, policies=("form", "semantic")) as (gateways, _):
        for connections in (1, 10):
            await _measure(gateways, "miss", connections, requests, rounds, stream=False, unique=True, worded=True)


async def profile(requests: int) -> None:
    """Say where the CPU of misses goes: the gateway runs under cProfile, which takes about as much again."""
    core, rest = _cores()
    os.sched_setaffinity(0, rest)
    with TemporaryDirectory() as folder:
        kept, python = Path(folder) / "profile", Path(folder) / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} -m cProfile -o {kept} "$@"\n')
        python.chmod(0o700)
        async with _gateway(core, python=str(python)) as ((gateway,), _):
            await run(Load(gateway.url, 10, requests, key=gateway.key))
        _print_profile(pstats.Stats(str(kept)), requests)


def _print_profile(stats: Any, requests: int) -> None:
    """What every request calls, by what it takes of itself; not what starts the process."""
    called = {where: entry for where, entry in stats.stats.items() if entry[1] >= requests * _OFTEN}
    print(f"{'us/request':>10}{'with calls':>12}{'calls':>7}  function")
    for (path, line, name), entry in sorted(called.items(), key=lambda each: -each[1][2])[:_SHOWN]:
        count, own, whole = entry[1:4]
        where = f"{'/'.join(Path(path).parts[-2:])}:{line}" if line else "built in"
        each = [figure * 1e6 / requests for figure in (own, whole)]
        print(f"{each[0]:>10.1f}{each[1]:>12.1f}{count / requests:>7.1f}  {name} ({where})")


async def main(requests: int, rounds: int) -> None:
    """Start everything, measure, print."""
    core, rest = _cores()
    os.sched_setaffinity(0, rest)
    async with _gateway(core) as ((gateway,), direct):
        levels: list[Level] = []
        kinds = ("miss", False, True), ("hit", False, False), ("stream", True, True), ("embeddings", False, True)
        for kind, stream, unique in kinds:
            for connections in (1, 10):
                targets = [gateway] if kind == "hit" else [direct, gateway]
                levels += await _measure(targets, kind, connections, requests, rounds, stream=stream, unique=unique)
        _summary(levels)


async def _measure(
    targets: list[Target],
    kind: str,
    connections: int,
    requests: int,
    rounds: int,
    *,
    stream: bool,
    unique: bool,
    worded: bool = False,
) -> list[Level]:
    """Rounds of the targets in turn, so that a drift of the machine meets all of them; the median round counts."""
    count = requests // (4 if stream else 1)
    seen: dict[str, list[Level]] = {}
    for _ in range(rounds + 1):
        for target in targets:
            embeds = kind == "embeddings"
            url = target.url.replace("/chat/completions", "/embeddings") if embeds else target.url
            load = Load(url, connections, count, stream, unique, target.key, worded, embeds)
            before = _cpu(target)
            timings = await run(load)
            seen.setdefault(target.name, []).append(_level(target, kind, load, timings, _cpu(target) - before))
    medians = [sorted(levels[1:], key=lambda level: level.p50)[rounds // 2] for levels in seen.values()]
    for level in medians:
        print(json.dumps(level.__dict__), flush=True)
    return medians


def _level(target: Target, kind: str, load: Load, timings: Timings, cpu: float) -> Level:
    whole, first = sorted(timings.whole), sorted(timings.first)
    memory = target.process.memory_info().rss / 2**20 if target.process else 0
    return Level(
        target=target.name,
        kind=kind,
        connections=load.connections,
        requests_per_second=round(len(whole) / timings.seconds, 1),
        p50=round(statistics.median(whole) * 1000, 3),
        p95=round(whole[int(len(whole) * 0.95)] * 1000, 3),
        first_p50=round(statistics.median(first) * 1000, 3),
        cpu_per_request=round(cpu * 1000 / len(whole), 3),
        memory_mib=round(memory, 1),
    )


def _summary(levels: list[Level]) -> None:
    found = {(level.target, level.kind, level.connections): level for level in levels}

    def added(kind: str, figure: str) -> float:
        return float(round(getattr(found["gateway", kind, 1], figure) - getattr(found["direct", kind, 1], figure), 3))

    def cpu(kind: str) -> float:
        return found["gateway", kind, 10].cpu_per_request

    memory = max(level.memory_mib for level in levels)
    print(f"\n{'what':58}{'measured':>10}{'budget':>10}")
    for what, value, budget in (
        ("miss: CPU ms/request, 10 connections", cpu("miss"), 0.6),
        ("miss: added p50 ms, 1 connection", added("miss", "p50"), 1.0),
        ("hit: CPU ms/request, 10 connections", cpu("hit"), 0.35),
        ("stream: added time to first byte ms, 1 connection", added("stream", "first_p50"), 1.0),
        (f"stream: CPU ms per {CHUNKS} chunks, 10 connections", cpu("stream"), 1.5),
        ("embeddings: CPU ms/request, 10 connections", cpu("embeddings"), 0.6),
        ("memory MiB after load", memory, 120),
    ):
        print(f"{what:58}{value:>10}{budget:>10}")


def _cpu(target: Target) -> float:
    if target.process is None:
        return 0.0
    times = target.process.cpu_times()
    return float(times.user + times.system)


def _cores() -> tuple[int, set[int]]:
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], set(cores[1:]) or set(cores)


@asynccontextmanager
async def _gateway(
    core: int, policies: Sequence[str] = ("",), *, python: str = sys.executable
) -> AsyncIterator[tuple[list[Target], Target]]:
    """The gateway, once for an organization with each policy, and, beside it, its upstream called directly."""
    async with postgres_server(os.environ) as admin, migrated_database(admin) as postgres, redis_server() as redis:
        connection = await psycopg.AsyncConnection.connect(make_conninfo("", **postgres.admin), autocommit=True)
        async with connection:
            orgs = {cache: await _organization(connection, cache) for cache in policies}
        secrets = {"redis": redis, "pepper": PEPPER, "upstream": "sk-up", "pg": str(postgres.admin.get("password", ""))}
        with (
            started([sys.executable, "-m", "tests.load.upstream"], _secret_variables(secrets)) as upstream,
            _started_gateway(core, upstream, postgres.admin, python) as gateway,
        ):
            targets = [_target(gateway, org, cache or "gateway") for cache, org in orgs.items()]
            yield targets, Target("direct", f"{upstream.url}/v1/chat/completions", "none", None)


@dataclass(frozen=True)
class Started:
    """A process under test and where it listens."""

    url: str
    process: psutil.Process


async def _organization(connection: psycopg.AsyncConnection[Any], cache: str) -> Org:
    """An organization, with a policy that says this of the cache, or with none."""
    org = await MakeOrg(connection)(
        requests_per_minute=100_000_000,
        tokens_per_minute=1_000_000_000,
        key_budget_usd=Decimal(1_000_000),
        org_budget_usd=Decimal(1_000_000),
    )
    if cache:
        row = {"org_id": org.org_id, "version": 1, "cache_ttl_seconds": 3600, "cache": cache, "compact": False}
        model = "text-embedding-3-small" if cache == "semantic" else None
        made = {"prompt_cache": False, "updated_by": org.user_id, "updated_at": datetime.now(UTC)}
        policy = insert("integration.policies", {**row, **made, "semantic_embedding_model": model})
        await connection.execute(*policy)
    return org


def _target(gateway: Started, org: Org, name: str) -> Target:
    return Target(name, f"{gateway.url}/v1/chat/completions", org.api_key, gateway.process)


@contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[Started]:
    """A process that prints its port first; ended with the block."""
    child = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        yield Started(f"http://127.0.0.1:{int(child.stdout.readline())}", psutil.Process(child.pid))
    finally:
        child.terminate()
        child.communicate()


@contextmanager
def _started_gateway(core: int, upstream: Started, admin: dict[str, str | int], python: str) -> Iterator[Started]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if name in {"PATH", "PYTHONPATH", "HOME"}},
        "PYTHON": python,
        "AWS_LWA_PORT": str(port),
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": upstream.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "POWERTOOLS_SERVICE_NAME": "gateway",
        "REDIS_URL_SECRET": "redis",
        "API_KEY_PEPPER_SECRET": "pepper",
        "UPSTREAM_BASE_URL": f"{upstream.url}/v1",
        "UPSTREAM_API_KEY_SECRET": "upstream",
        "DATA_KEY_ARN": "arn:aws:kms:eu-west-1:000000000000:key/bench",
        "STAGE": "bench",
        "EVENT_BUS_NAME": "llmo-bench",
        "CLAIMS_BUCKET": "llmo-bench-claims",
        "FILES_BUCKET": "llmo-bench-files",
        "USAGE_PUBLISH": os.environ.get("USAGE_PUBLISH", "background"),
        "DATABASE_HOST": str(admin["host"]),
        "DATABASE_PORT": str(admin.get("port", 5432)),
        "DATABASE_NAME": str(admin["dbname"]),
        "DATABASE_USER": str(admin["user"]),
        "DATABASE_PASSWORD_SECRET": "pg",
        "DATABASE_SSLMODE": "disable",
        "PGOPTIONS": "-c role=llmo_integration",
    }
    child = subprocess.Popen([_RUN], env=environment, stdout=subprocess.DEVNULL)
    os.sched_setaffinity(child.pid, {core})
    try:
        _await_port(port, child)
        yield Started(f"http://127.0.0.1:{port}", psutil.Process(child.pid))
    finally:
        child.send_signal(signal.SIGTERM if python == sys.executable else signal.SIGINT)  # cProfile writes after that
        child.wait()


def _await_port(port: int, child: subprocess.Popen[bytes]) -> None:
    while child.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.1).close()
        except OSError:
            continue
        return
    raise RuntimeError("the gateway did not start")


def _secret_variables(secrets: dict[str, str]) -> dict[str, str]:
    return {f"SECRET_{name}": value for name, value in secrets.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=4000, help="requests per round (streams: a quarter)")
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds; the median one is reported")
    parser.add_argument("--shadow", action="store_true", help="measure the cache that compares meanings instead")
    parser.add_argument("--profile", action="store_true", help="say where the CPU of misses goes instead")
    options = parser.parse_args()
    if options.profile:
        asyncio.run(profile(options.requests))
    else:
        asyncio.run((shadow if options.shadow else main)(options.requests, options.rounds))
