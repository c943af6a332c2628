"""Entry point of the worker that makes files: messages wake it up, and every minute what was left is gone on with."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from aws_lambda_powertools.metrics import MetricUnit

from analytics import wiring
from analytics.exports.models import ExportRequested
from analytics.exports.worker_wiring import export_worker
from analytics.models import StoreUnavailable
from analytics.reports.events import ApiKeyRevoked, MemberRemoved, OrganizationClosed, RunRequested
from analytics.reports.worker_wiring import report_planner, report_runner
from llmo_core.clock import SystemClock
from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger, metrics
from llmo_messaging.consumer import Consumer, Delivery, Handler

_RESERVE: Final = timedelta(seconds=20)  # for what is under way when time is up


type Work = Callable[[datetime], Awaitable[int]]
"""Does what is due until a moment, and says how much that was."""


class Context(Protocol):
    """Lambda's context of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is ended."""
        ...


def _consumer(until: datetime) -> Consumer:
    async def export(deliveries: Sequence[Delivery[ExportRequested]]) -> None:
        for delivery in deliveries:
            await export_worker().advance(delivery.event.export_id, until=until)

    return Consumer(
        Handler(ExportRequested, export),
        Handler(RunRequested, _run),
        Handler(MemberRemoved, _forget),
        Handler(ApiKeyRevoked, _forget_key),
        Handler(OrganizationClosed, _close),
        dead_letters=wiring.dead_letters,
        claims=wiring.claims,
    )


async def _run(deliveries: Sequence[Delivery[RunRequested]]) -> None:
    for delivery in deliveries:
        await report_runner().advance(delivery.event.run_id)


async def _forget(deliveries: Sequence[Delivery[MemberRemoved]]) -> None:
    for delivery in deliveries:
        if delivery.envelope.orgid is not None:
            await report_planner().forget(delivery.envelope.orgid, delivery.event.user_id)


async def _forget_key(deliveries: Sequence[Delivery[ApiKeyRevoked]]) -> None:
    for delivery in deliveries:
        if delivery.envelope.orgid is not None:
            await report_planner().forget(delivery.envelope.orgid, delivery.event.key_id)


async def _close(deliveries: Sequence[Delivery[OrganizationClosed]]) -> None:
    for delivery in deliveries:
        if delivery.envelope.orgid is not None:
            await report_planner().close(delivery.envelope.orgid)


async def turn(works: Sequence[Work], *, until: datetime) -> int:
    """Do each of the works until then; how many files that were, about.

    What fails holds up nothing else: an ExceptionGroup is raised at the end. Raises StoreUnavailable at once.
    """
    made, failures = 0, list[Exception]()
    for work in works:
        try:
            made += await work(until)
        except StoreUnavailable:  # for all of them
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is logged, counted, and raised at the end
            logger().exception("files not made")
            failures.append(error)
    logger().info("files made", extra={"files": made})
    metrics().add_metric(name="AnalyticsFilesMade", unit=MetricUnit.Count, value=made)
    metrics().add_metric(name="AnalyticsFilesFailed", unit=MetricUnit.Count, value=len(failures))
    if failures:
        raise ExceptionGroup("files not made", failures)
    return made


async def _plan(until: datetime) -> int:
    await report_planner().plan(until=until)
    return 0


async def _run_left(until: datetime) -> int:
    return await report_runner().tick(until=until)


async def _write_left(until: datetime) -> int:
    return await export_worker().tick(until=until)


@Counting
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Make what a message asks for, or go on with what was left; safe to repeat, and to run any number at once."""
    until = SystemClock().now() + timedelta(milliseconds=context.get_remaining_time_in_millis()) - _RESERVE
    if "Records" in event or event.get("eventSource") == "aws:rmq":
        return _consumer(until).lambda_handler(event)
    try:
        return {"files": run(turn((_plan, _run_left, _write_left), until=until))}
    finally:
        metrics().flush_metrics()
