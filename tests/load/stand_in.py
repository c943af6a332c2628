"""Measures the AWS stand-in beside moto's own server: `python -m tests.load.stand_in`. Prints messages per second."""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from local.aws.client import stand_in_client
from local.process import ServerProcess, free_port

ROUNDS = 3
EVENTS = 500
RECEIVED = 100
_TEN = 10
_TYPE = "llmo.tests.thing.counted"


def measure(url: str) -> Iterator[tuple[int, float, float]]:
    """For each round: the queue's depth, and messages put and received per second."""
    sqs, events = stand_in_client("sqs", url), stand_in_client("events", url)
    queue = sqs.create_queue(QueueName="bench")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.create_event_bus(Name="bench")
    events.put_rule(Name="bench", EventBusName="bench", EventPattern=json.dumps({"detail-type": [_TYPE]}))
    events.put_targets(Rule="bench", EventBusName="bench", Targets=[{"Id": "queue", "Arn": arn}])
    entry = {"EventBusName": "bench", "Source": "tests", "DetailType": _TYPE, "Detail": '{"number": 1}'}
    for number in range(1, ROUNDS + 1):
        began = time.perf_counter()
        for _ in range(EVENTS // _TEN):
            events.put_events(Entries=[entry] * _TEN)
        put = time.perf_counter()
        for _ in range(RECEIVED // _TEN):
            sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=_TEN)
        yield number * EVENTS, EVENTS / (put - began), RECEIVED / (time.perf_counter() - put)


async def main() -> None:
    """Measure each server in turn, and print."""
    print(f"{'server':<24} {'depth':>6} {'put/s':>8} {'received/s':>11}")
    for module in ("moto.server", "local.aws.moto_server"):
        with tempfile.TemporaryDirectory() as folder:
            await _run(module, Path(folder), free_port())


async def _run(module: str, state: Path, port: int) -> None:
    server = ServerProcess(
        module,
        [sys.executable, "-m", module, "-H", "127.0.0.1", "-p", str(port)],
        log=state / "server.log",
        pid_file=state / "server.pid",
    )
    await server.start(lambda: _answers(port))
    try:
        for depth, put, received in measure(f"http://127.0.0.1:{port}"):
            print(f"{module:<24} {depth:>6,} {put:>8,.0f} {received:>11,.0f}", flush=True)
    finally:
        await server.stop()


async def _answers(port: int) -> None:
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.get(f"http://127.0.0.1:{port}/moto-api/"),
    ):
        pass


if __name__ == "__main__":
    asyncio.run(main())
