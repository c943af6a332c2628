"""The schedule that looks at each hour that is over: five minutes past."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from analytics.anomalies.wiring import detecting
from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger, metrics


@Counting
def handler(_event: Mapping[str, Any], _context: object) -> dict[str, int]:
    """Tell of what is odd of the last whole hour. Any event will do; safe to repeat."""
    told = run(detecting().detect())
    logger().info("looked for anomalies", extra={"anomalies": told})
    metrics().add_metric(name="AnomaliesDetected", unit=MetricUnit.Count, value=told)
    metrics().flush_metrics()
    return {"anomalies": told}
