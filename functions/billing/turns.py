"""Entry point of the schedule: what dates have brought to subscriptions is written down and announced."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from aws_lambda_powertools.metrics import MetricUnit

from billing.subscriptions import workers
from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger, metrics

_RESERVE = timedelta(seconds=10)  # for the subscription that is being turned when the time is up


class Context(Protocol):
    """Lambda's context of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is ended."""
        ...


@Counting
def handler(_event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Turn the subscriptions that something has come for; answers how many. Safe to repeat."""

    def time_left() -> timedelta:
        return timedelta(milliseconds=context.get_remaining_time_in_millis()) - _RESERVE

    turned = run(workers.turning().turn(time_left))
    logger().info("subscriptions turned", extra={"subscriptions": turned})
    metrics().add_metric(name="SubscriptionsTurned", unit=MetricUnit.Count, value=turned)
    metrics().flush_metrics()
    return {"subscriptions": turned}
