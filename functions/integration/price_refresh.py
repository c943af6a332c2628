"""Entry point of the price refresh: once a day it takes the prices that genai-prices publishes."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from integration.price_editions import packaged
from integration.price_tables.models import Outcome, PricesMalformed, PricesRefused, Status
from integration.price_tables.settings import PriceRefreshSettings
from integration.price_tables.wiring import price_refresh
from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger, metrics

_MOST_LOGGED = 200
_OFF = (
    "prices are not refreshed: nothing says where from."
    " Set the stack's parameter PricesUrl; on a laptop, PRICES_URL=https://... make dev"
)


@Counting
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Refresh once; answers what was done. Safe to repeat.

    Any event will do. `{"accept": "<digest>"}` takes prices that were refused, when they are still those that the log
    named by this digest.
    """
    settings = PriceRefreshSettings.model_validate({})
    if not settings.prices_url:
        logger().info(_OFF)
        return Outcome(status=Status.OFF, version=packaged().version).model_dump(mode="json")
    try:
        done = run(_run(settings, accept=event.get("accept"))).model_dump(mode="json")
    except PricesRefused as error:
        reasons = {"digest": error.content, "objections": len(error.reasons), "first": error.reasons[:_MOST_LOGGED]}
        logger().error("prices refused, the old ones stay", extra=reasons)
        _count("PricesRefused")
        raise
    except PricesMalformed as error:
        logger().error("prices cannot be read, the old ones stay", extra={"reason": error.detail})
        _count("PricesRefused")
        raise
    logger().info("prices looked at", extra=done)
    _count("PricesRefreshed", done["status"] == Status.REFRESHED)
    return done


async def _run(settings: PriceRefreshSettings, *, accept: str | None) -> Outcome:
    async with price_refresh(settings) as refresh:
        return await refresh.run(accept=accept)


def _count(name: str, value: int = 1) -> None:
    metrics().add_metric(name=name, unit=MetricUnit.Count, value=value)
    metrics().flush_metrics()
