"""The consumer of analytics: calls into the store, and what says for how long tracked events are kept."""

from collections.abc import Mapping, Sequence
from typing import Any

from analytics import wiring
from analytics.data_retention.events import (
    OrganizationClosed,
    PlanEvent,
    SubscriptionChanged,
    SubscriptionEnded,
    SubscriptionStarted,
)
from analytics.data_retention.wiring import following
from analytics.rollups.wiring import recording
from analytics.usage.models import UsageRecorded
from llmo_core.cold_starts import Counting
from llmo_messaging.consumer import Consumer, Delivery, Handler


async def _keep(deliveries: Sequence[Delivery[UsageRecorded]]) -> None:
    await recording().record(deliveries)


async def _follow(deliveries: Sequence[Delivery[PlanEvent]]) -> None:
    await following().plans(deliveries)


async def _close(deliveries: Sequence[Delivery[OrganizationClosed]]) -> None:
    await following().closings(deliveries)


_CONSUMER = Consumer(
    Handler(UsageRecorded, _keep),
    Handler(SubscriptionStarted, _follow),
    Handler(SubscriptionChanged, _follow),
    Handler(SubscriptionEnded, _follow),
    Handler(OrganizationClosed, _close),
    dead_letters=wiring.dead_letters,
    claims=wiring.claims,
)


@Counting
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Handle every event of a batch once, however often it is delivered; answer the messages that failed."""
    return _CONSUMER.lambda_handler(event)
