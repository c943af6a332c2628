"""CPU per call of the hot path's own clients beside the libraries they replace: `python -m tests.load.clients`.

One process, ten concurrent tasks, a local Redis and the benchmarks' upstream as EventBridge. Prints microseconds of CPU
per call, and milliseconds of CPU per import in a fresh interpreter.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import aiohttp
import boto3
import uvloop
from redis.asyncio import Redis

from integration.gateway.events import UsageRecorded
from integration.gateway.provider_http.client import HttpClient, Timeouts
from llmo_core.addresses import resolve
from llmo_core.aws import Credentials, JsonService
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data import redis
from llmo_data.pipelined_redis import PipelinedRedis
from llmo_messaging.envelope import Envelope
from llmo_messaging.eventbridge import EventBridgeBus
from tests.integration.stores import redis_server
from tests.load.gateway import started

_SCRIPT = "return {1, 'abc', ARGV[1]}"
_TASKS = 10
_CALLS = 5_000
_MODULES = ("aiohttp", "boto3", "fastapi", "genai_prices", "integration.gateway.app", "auth.api", "authorizer.handler")


async def _cpu(name: str, call: Callable[[], Awaitable[object]], calls: int = _CALLS) -> None:
    async def work(count: int) -> None:
        for _ in range(count):
            await call()

    await work(50)
    before = time.process_time()
    await asyncio.gather(*(work(calls // _TASKS) for _ in range(_TASKS)))
    print(f"{name:60}{(time.process_time() - before) / calls * 1e6:10.1f} µs")


async def _redis_clients(url: str) -> None:
    pooled, plain, pipelined = redis.connect(url), Redis.from_url(url), PipelinedRedis(url)
    sha = await plain.script_load(_SCRIPT)
    arguments = ("v" * 300, "a", "b", "c")
    await _cpu("EVALSHA, redis-py, BlockingConnectionPool", lambda: pooled.evalsha(sha, 1, "k", *arguments))
    await _cpu("EVALSHA, redis-py, its default pool", lambda: plain.evalsha(sha, 1, "k", *arguments))
    await _cpu("EVALSHA, llmo_data.pipelined_redis", lambda: pipelined.call("EVALSHA", sha, 1, "k", *arguments))
    for client in (pooled, plain, pipelined):
        await client.aclose()


async def _buses(url: str) -> None:
    event = _event()
    client = boto3.client(
        "events", region_name="eu-west-1", endpoint_url=url, aws_access_key_id="a", aws_secret_access_key="b"
    )
    entry = {"EventBusName": "b", "Source": event.source, "DetailType": event.type, "Detail": event.to_json()}
    await _cpu(
        "PutEvents of one event, boto3 in a thread", lambda: asyncio.to_thread(client.put_events, Entries=[entry]), 500
    )
    client.close()
    async with aiohttp.ClientSession() as session:
        bus = EventBridgeBus(
            session=lambda: session,
            service=JsonService("events", "AWSEvents", "eu-west-1", url),
            bus_name="b",
            credentials=lambda: Credentials("a", "b"),
        )
        await _cpu("one event, EventBridgeBus, ten publishers share calls", lambda: bus.publish([event]))


async def _providers(url: str) -> None:
    """Both ways of calling a provider, with an answer of a kilobyte, in turn."""
    where, headers = f"{url}/v1/chat/completions", {"content-type": "application/json", "authorization": "Bearer x"}
    body = b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "How are you?"}]}'
    timeout = aiohttp.ClientTimeout(total=870, sock_connect=5, sock_read=60)
    client = HttpClient(resolve)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def general() -> None:
            async with session.post(where, data=body, headers=headers, timeout=timeout) as response:
                await response.read()

        async def own() -> None:
            answer = await client.request("POST", where, headers, body, Timeouts(60, 60, 870))
            await answer.read()
            answer.close()

        for _ in range(3):
            await _cpu("a call to a provider, aiohttp", general)
            await _cpu("a call to a provider, provider_http", own)
    client.close()


def _event() -> Envelope:
    fields: dict[str, object] = dict.fromkeys(UsageRecorded.model_fields, "x")
    return Envelope(
        id=new_id(),
        source="llmo.integration",
        type=UsageRecorded.event_type,
        time=SystemClock().now(),
        orgid=new_id(),
        data=fields,
    )


def _imports() -> None:
    program = "import time; before = time.process_time(); import {}; print(time.process_time() - before)"
    for module in _MODULES:
        command = [sys.executable, "-c", program.format(module)]
        seconds = [float(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(6)][1:]
        print(f"import {module:53}{median(seconds) * 1000:10.0f} ms")


async def main() -> None:
    """Measure and print."""
    command = [sys.executable, "-m", "tests.load.upstream"]
    async with redis_server() as url:
        await _redis_clients(url)
    with started(command, {}) as upstream:
        await _buses(upstream.url)
        await _providers(upstream.url)
    _imports()


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[2])
    uvloop.run(main())
