"""Entry point of the schedule: organizations are told of what they want to be told, once it has come to that."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from aws_lambda_powertools.metrics import MetricUnit

from billing.alerts import workers
from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger, metrics

_RESERVE = timedelta(seconds=10)  # for the organization that is looked at when the time is up


class Context(Protocol):
    """Lambda's context of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is ended."""
        ...


@Counting
def handler(_event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Look at the alerts of organizations whose spending has changed; answers of how many. Safe to repeat."""

    def time_left() -> timedelta:
        return timedelta(milliseconds=context.get_remaining_time_in_millis()) - _RESERVE

    async def watch() -> int:
        return await (await workers.alert_watch()).run(time_left)

    looked = run(watch())
    logger().info("alerts looked at", extra={"organizations": looked})
    metrics().add_metric(name="AlertsLookedAt", unit=MetricUnit.Count, value=looked)
    metrics().flush_metrics()
    return {"organizations": looked}
