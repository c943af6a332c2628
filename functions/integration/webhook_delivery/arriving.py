"""An event arrives: every webhook that wants to be told of it gets a message, once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from integration.webhook_delivery.models import Message, Waiting
from integration.webhook_delivery.ports import Arrivals
from integration.webhook_messages.catalogue import public_event
from integration.webhook_messages.signing import body_of
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Transaction
from llmo_messaging.envelope import Envelope


class Arriving:
    """Makes messages of events."""

    def __init__(self, *, arrivals: Arrivals, transaction: Transaction, clock: Clock, new_id: NewId) -> None:
        self._arrivals = arrivals
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def take(self, events: Sequence[tuple[Envelope, Mapping[str, Any]]]) -> Sequence[Waiting]:
        """Keep a message for every webhook that wants one; those webhooks.

        Safe to repeat: an event and its messages are one commit. Raises DatabaseUnavailable.
        """
        by_org: dict[UUID, list[tuple[Envelope, Mapping[str, Any]]]] = defaultdict(list)
        for envelope, data in events:
            if envelope.orgid is not None:
                by_org[envelope.orgid].append((envelope, data))
        waiting: list[Waiting] = []
        for org_id, arrived in by_org.items():
            waiting += await self._take(org_id, arrived)
        return waiting

    async def _take(self, org_id: UUID, events: Sequence[tuple[Envelope, Mapping[str, Any]]]) -> Sequence[Waiting]:
        now = self._clock.now()
        data_of = {envelope.id: data for envelope, data in events}
        async with self._transaction(org_id):
            subscriptions = await self._arrivals.subscriptions(org_id)
            if not subscriptions:
                return []
            new = await self._arrivals.new(org_id, [envelope for envelope, _ in events], now=now)
            messages: list[Message] = []
            for envelope in new:
                public = public_event(envelope.type, data_of[envelope.id])
                if public is None:
                    continue
                name, data = public
                body = body_of(name, envelope.time, data)
                messages += [
                    Message(self._new_id(), wanting.webhook_id, envelope.id, name, body)
                    for wanting in subscriptions
                    if name in wanting.event_types
                ]
            if messages:
                await self._arrivals.add(org_id, messages, now=now)
        return [Waiting(org_id, webhook_id) for webhook_id in dict.fromkeys(each.webhook_id for each in messages)]
