"""The schedule that looks at each hour that is over: five minutes past."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from analytics.anomalies.wiring import detecting
from llmo_core.clock import SystemClock
from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger, metrics

_RESERVE: Final = timedelta(seconds=30)  # for the hour that is looked at, and for telling


@Counting
def handler(_event: Mapping[str, Any], context: Any) -> dict[str, int]:  # noqa: ANN401 - Lambda's context
    """Tell of what is odd of the hours that are over. Any event will do; safe to repeat."""
    left = timedelta(milliseconds=context.get_remaining_time_in_millis()) - _RESERVE
    told = run(detecting().detect(until=SystemClock().now() + left))
    logger().info("looked for anomalies", extra={"anomalies": told})
    metrics().add_metric(name="AnomaliesDetected", unit=MetricUnit.Count, value=told)
    metrics().flush_metrics()
    return {"anomalies": told}
