"""Entry point of the reminders of API keys that expire: every hour."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger, metrics
from notification.reminders.wiring import key_reminders


@Counting
def handler(_event: Mapping[str, Any], _context: object) -> dict[str, int]:
    """Have owners told of keys that expire soon. Any event will do; safe to repeat."""
    told = run(key_reminders().remind())
    logger().info("reminded of keys", extra={"keys": told})
    metrics().add_metric(name="KeysRemindedOf", unit=MetricUnit.Count, value=told)
    metrics().flush_metrics()
    return {"keys": told}
