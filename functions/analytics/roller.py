"""The schedule that rolls usage up and applies retentions, and the command that has usage be rolled up again."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from analytics.data_retention.wiring import applying
from analytics.rollups.schemas import Rebuild
from analytics.rollups.wiring import rolling
from llmo_core.clock import SystemClock
from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger, metrics

_RESERVE: Final = timedelta(seconds=20)  # for what is under way when time is up


@Counting
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context
    """Roll up what is ready, until shortly before the function's time is up; the next turn goes on.

    Then go on with retentions that do not hold for all events yet.

    With `{"rebuild": {"from": …, "to": …, "org_id": …}}` the minutes with calls in that range are marked first:
    `org_id` may be left out, for all organizations.
    """
    left = timedelta(milliseconds=context.get_remaining_time_in_millis()) - _RESERVE
    try:
        return run(_turn(event, left))
    finally:
        metrics().flush_metrics()


async def _turn(event: Mapping[str, Any], left: timedelta) -> dict[str, Any]:
    work, marked, until = rolling(), 0, SystemClock().now() + left
    if "rebuild" in event:
        wish = Rebuild.model_validate(event["rebuild"])
        marked = await work.rebuild(start=wish.from_, end=wish.to, org_id=wish.org_id)
    waiting = await work.waiting()
    metrics().add_metric("RollupsWaiting", MetricUnit.Seconds, waiting.total_seconds())
    rolled = await work.roll(until=until)
    metrics().add_metric("RollupsMade", MetricUnit.Count, rolled.units)
    metrics().add_metric("RollupsFailed", MetricUnit.Count, rolled.failed)
    logger().info("rolled up", extra={"units": rolled.units, "finished": rolled.finished, "marked": marked})
    await applying().go_on(until=until)
    return {"units": rolled.units, "finished": rolled.finished, "marked": marked}
