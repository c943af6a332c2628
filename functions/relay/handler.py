"""Entry point of the relay: every minute it publishes what stayed in the services' outboxes."""

from datetime import timedelta
from typing import Any, Protocol

from aws_lambda_powertools.metrics import MetricUnit

from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger, metrics
from relay import wiring
from relay.models import Run

_RESERVE = timedelta(seconds=10)  # for the pass that is under way when the time is up


class Context(Protocol):
    """Lambda's context of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is ended."""
        ...


@Counting
def handler(_event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Relay once; answers what was done and what is left."""
    done = run(_run(context))
    logger().info("relayed", extra=done.model_dump(mode="json"))
    count, seconds = MetricUnit.Count, MetricUnit.Seconds
    metrics().add_metric(name="EventsRelayed", unit=count, value=done.published)
    metrics().add_metric(name="OutboxesUnread", unit=count, value=done.unread)
    metrics().add_metric(name="OutboxBacklog", unit=count, value=done.backlog)
    metrics().add_metric(name="OutboxAge", unit=seconds, value=done.oldest.total_seconds())
    metrics().flush_metrics()
    return done.model_dump(mode="json")


async def _run(context: Context) -> Run:
    def time_left() -> timedelta:
        return timedelta(milliseconds=context.get_remaining_time_in_millis()) - _RESERVE

    async with wiring.relay(time_left) as relay:
        return await relay.run()
