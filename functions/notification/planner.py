"""Entry point of the planner: events become notifications, and notifications messages; every minute, what is due."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self
from uuid import UUID

from aws_lambda_powertools.metrics import MetricUnit
from pydantic import ConfigDict, create_model, model_validator

from llmo_core.clock import SystemClock
from llmo_core.cold_starts import Counting
from llmo_core.errors import Unavailable
from llmo_core.loop import run
from llmo_core.observability import logger, metrics
from llmo_messaging.claims import S3Claims
from llmo_messaging.configured import configured_dead_letters
from llmo_messaging.consumer import Consumer, Delivery, HandledInPart, Handler
from llmo_messaging.envelope import Envelope, Event
from notification.delivery.worker import Context, time_left
from notification.kinds.facts import facts_of
from notification.kinds.tellings import TELLINGS
from notification.planning import wiring
from notification.planning.models import NotificationRequested, Waiting

_DELETED: Final = "llmo.auth.user.deleted"
_REMOVED: Final = "llmo.auth.member.removed"


class _Told(Event):
    """Any of our events, with all its fields: which of them are told to whom, the table of facts says."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="after")
    def _can_be_told(self) -> Self:
        facts_of(self.event_type, UUID(int=0), self.model_extra or {})
        return self


_waiting: list[Waiting] = []


async def _keep(deliveries: Sequence[Delivery[_Told]]) -> None:
    told = [(each.envelope, each.event.model_extra or {}) for each in deliveries]
    accepted = await wiring.accepting().accept(told)
    _waiting.extend(accepted.waiting)
    failed = [each for each in deliveries if each.envelope.id in accepted.failed]
    for envelope, data in told:
        if envelope.id not in accepted.failed:
            await _forget(envelope, data)
    if failed:
        raise HandledInPart(failed)


async def _forget(envelope: Envelope, data: Mapping[str, Any]) -> None:
    """Forget who has left, once it is kept that they are told so."""
    if envelope.type == _DELETED:
        await wiring.leaving().account_deleted(UUID(data["user_id"]), data["email"])
    elif envelope.type == _REMOVED and envelope.orgid is not None:
        await wiring.leaving().member_removed(envelope.orgid, UUID(data["user_id"]))


async def _requested(deliveries: Sequence[Delivery[NotificationRequested]]) -> None:
    _waiting.extend(Waiting(each.envelope.orgid, each.event.notification_id) for each in deliveries)


_CONSUMER = Consumer(  # what happened first, in a batch: of what was asked for may be many
    *(Handler(create_model("Told", __base__=_Told, __cls_kwargs__={"name": name}), _keep) for name in TELLINGS),
    Handler(NotificationRequested, _requested),
    dead_letters=lambda: configured_dead_letters(wiring.settings()),
    claims=lambda: S3Claims(wiring.settings().claims_bucket),
)


@Counting
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Keep and plan what a batch of events tells, or plan what is due when the schedule says so; safe to repeat."""
    if "Records" in event or event.get("eventSource") == "aws:rmq":
        try:
            return _CONSUMER.lambda_handler(event)
        finally:
            waiting = [*dict.fromkeys(_waiting)]
            _waiting.clear()
            if waiting:  # whatever goes wrong with these, they are kept, and due at the next run
                _count(run(wiring.planning().plan(waiting, time_left(context))))
    planned = run(wiring.planning().plan_due(time_left(context)))
    _measure_what_waits()
    _count(planned)
    return {"notifications": planned, "digests": run(wiring.digesting().digest_due(time_left(context)))}


def _measure_what_waits() -> None:
    """How long what is left is due; without the measurement goes on what is measured."""
    try:
        waits = run(wiring.backlog().waits(now=SystemClock().now()))
    except Unavailable as error:
        logger().warning("what waits is not measured", extra={"reason": error.detail})
        return
    metrics().add_metric(name="NotificationsWait", unit=MetricUnit.Seconds, value=waits.total_seconds())


def _count(planned: int) -> None:
    logger().info("notifications planned", extra={"notifications": planned})
    metrics().add_metric(name="NotificationsPlanned", unit=MetricUnit.Count, value=planned)
    metrics().flush_metrics()
