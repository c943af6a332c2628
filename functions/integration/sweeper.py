"""Entry point of the sweeper: every minute it settles what dead gateway processes left behind."""

from dataclasses import asdict
from functools import cache
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from integration.gateway.settings import SweeperSettings
from integration.gateway.wiring import SweeperWired
from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger, metrics


@cache
def _wired() -> SweeperWired:
    return SweeperWired(SweeperSettings.from_environment())


@Counting
def handler(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """Sweep once; answers what was done."""
    swept = run(_wired().sweep())
    done = asdict(swept)
    logger().info("swept", extra=done)
    metrics().add_metric(name="HoldsReleased", unit=MetricUnit.Count, value=swept.holds_released)
    metrics().add_metric(name="EventsPublishedLate", unit=MetricUnit.Count, value=swept.events_published)
    metrics().add_metric(name="OrgsUnpublished", unit=MetricUnit.Count, value=swept.orgs_unpublished)
    metrics().flush_metrics()
    return done
