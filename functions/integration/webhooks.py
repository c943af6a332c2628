"""Entry point of the worker of webhooks: an event is kept for whoever wants it and sent; every minute, what is due."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from aws_lambda_powertools.metrics import MetricUnit
from pydantic import ConfigDict, create_model

from integration.webhook_delivery import wiring
from integration.webhook_delivery.models import Waiting
from integration.webhook_messages.calls import SECONDS
from integration.webhook_messages.catalogue import SOURCES
from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger, metrics
from llmo_messaging.claims import S3Claims
from llmo_messaging.configured import configured_dead_letters
from llmo_messaging.consumer import Consumer, Delivery, Handler
from llmo_messaging.envelope import Event

_RESERVE = timedelta(seconds=SECONDS + 10)  # for the messages that are under way when the time is up


class Context(Protocol):
    """Lambda's context of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is ended."""
        ...


class _Told(Event):
    """Any of our events, with all its fields: which of them are public, the catalogue says."""

    model_config = ConfigDict(extra="allow")


_waiting: list[Waiting] = []


async def _keep(deliveries: Sequence[Delivery[_Told]]) -> None:
    arrived = [(each.envelope, each.event.model_extra or {}) for each in deliveries]
    _waiting.extend(await wiring.arriving().take(arrived))


_CONSUMER = Consumer(
    *(Handler(create_model("Told", __base__=_Told, __cls_kwargs__={"name": internal}), _keep) for internal in SOURCES),
    dead_letters=lambda: configured_dead_letters(wiring.settings()),
    claims=lambda: S3Claims(wiring.settings().claims_bucket),
)


@Counting
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Keep and send the events of a batch, or send what is due when the schedule says so; safe to repeat."""

    def time_left() -> timedelta:
        return timedelta(milliseconds=context.get_remaining_time_in_millis()) - _RESERVE

    if "Records" in event or event.get("eventSource") == "aws:rmq":
        try:
            return _CONSUMER.lambda_handler(event)
        finally:
            waiting = [*dict.fromkeys(_waiting)]
            _waiting.clear()
            if waiting:  # whatever goes wrong with these, they are kept, and due at the next run
                _count(run(wiring.sending().send(waiting, time_left)))
    sent = _count(run(wiring.sending().send_due(time_left)))
    return {"messages": sent}


def _count(sent: int) -> int:
    logger().info("webhooks called", extra={"messages": sent})
    metrics().add_metric(name="WebhookMessagesSent", unit=MetricUnit.Count, value=sent)
    metrics().flush_metrics()
    return sent
