"""Entry point of the worker: a message starts or stops a batch, and every minute what waits is moved on."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from integration.gateway.deferral.events import BatchCancellationRequested, BatchCreated
from integration.gateway.deferral.wiring import WorkerWired
from integration.gateway.settings import GatewaySettings
from integration.gateway.wiring import Wired
from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger, metrics
from llmo_messaging.claims import S3Claims
from llmo_messaging.configured import configured_dead_letters
from llmo_messaging.consumer import Consumer, Delivery, Handler
from llmo_messaging.settings import ConsumerSettings


@cache
def _wired() -> WorkerWired:
    """On the running loop."""
    return WorkerWired(Wired(GatewaySettings.from_environment()))


type _Told = BatchCreated | BatchCancellationRequested


async def _advance(deliveries: Sequence[Delivery[_Told]]) -> None:
    for delivery in deliveries:
        await _wired().worker.advance(delivery.event.org_id, delivery.event.batch_id)


def _settings() -> ConsumerSettings:
    return ConsumerSettings.model_validate({})


_CONSUMER = Consumer(
    Handler(BatchCreated, _advance),
    Handler(BatchCancellationRequested, _advance),
    dead_letters=lambda: configured_dead_letters(_settings()),
    claims=lambda: S3Claims(_settings().claims_bucket),
)


async def _tick() -> int:
    return await _wired().worker.tick()


async def close() -> None:
    """Close every connection; the next invocation makes new ones."""
    if _wired.cache_info().currsize:
        await _wired().close()
    _wired.cache_clear()


@Counting
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Move on the batches of a message, or move on what waits when the schedule says so; safe to repeat."""
    if "Records" in event or event.get("eventSource") == "aws:rmq":
        return _CONSUMER.lambda_handler(event)
    moved = run(_tick())
    logger().info("batches moved on", extra={"batches": moved})
    metrics().add_metric(name="BatchesMovedOn", unit=MetricUnit.Count, value=moved)
    metrics().flush_metrics()
    return {"batches": moved}
