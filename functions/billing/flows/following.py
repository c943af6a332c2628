"""Which events start flows."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from billing.flows.models import Execution, Flow
from billing.flows.ports import StateMachines
from billing.invoices.events import InvoicePaymentFailed
from llmo_core.errors import Unavailable
from llmo_core.observability import logger
from llmo_messaging.consumer import Delivery, HandledInPart
from llmo_messaging.envelope import Event


class Following:
    """Follows billing's own events. Everything is safe to repeat: executions have names.

    Each raises HandledInPart with the events that are to come again.
    """

    def __init__(self, machines: StateMachines) -> None:
        self._machines = machines

    async def dun(self, deliveries: Sequence[Delivery[InvoicePaymentFailed]]) -> None:
        """Start the dunning of each invoice that could not be collected; of each there is one."""
        await _each(deliveries, lambda told: self._start(Flow.DUNNING, told, told.event.invoice_id))

    async def _start(self, flow: Flow, told: Delivery[Event], key: UUID) -> None:
        await self._machines.start(Execution(flow=flow, key=key, org_id=_org_of(told)))


def _org_of(told: Delivery[Event]) -> UUID:
    if told.envelope.orgid is None:
        raise ValueError("an event of billing is about an organization")
    return told.envelope.orgid


async def _each[E: Event](deliveries: Sequence[Delivery[E]], follow: Callable[[Delivery[E]], Awaitable[None]]) -> None:
    """One after the other; what fails keeps no other from its turn."""
    failed: list[Delivery[E]] = []
    for delivery in deliveries:
        try:
            await follow(delivery)
        except Unavailable as error:
            told = {"event": str(delivery.envelope.id), "type": delivery.envelope.type, "reason": error.detail}
            logger().warning("an event is to come again", extra=told)
            failed.append(delivery)
    if failed:
        raise HandledInPart(failed)
