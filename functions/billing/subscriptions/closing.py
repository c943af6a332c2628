"""Ending the subscription of an organization that is no more."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from billing.subscriptions.changing import ended_now
from billing.subscriptions.dates import as_of
from billing.subscriptions.keeping import Keeping
from billing.subscriptions.ports import Arrivals, Subscriptions
from llmo_core.clock import Clock
from llmo_data.ports import Transaction
from llmo_messaging.consumer import Delivery
from llmo_messaging.envelope import Envelope, Event

REASON: Final = "The organization was closed."


class OrganizationClosed(Event, name="llmo.auth.organization.closed"):
    """Nobody gets into the organization any more."""

    org_id: UUID


class Closing:
    """Ends what nobody is left to pay for."""

    def __init__(
        self,
        *,
        arrivals: Arrivals,
        subscriptions: Subscriptions,
        keeping: Keeping,
        transaction: Transaction,
        clock: Clock,
    ) -> None:
        self._arrivals = arrivals
        self._subscriptions = subscriptions
        self._keeping = keeping
        self._transaction = transaction
        self._clock = clock

    async def close(self, deliveries: Sequence[Delivery[OrganizationClosed]]) -> None:
        """End the live subscriptions of organizations now. Safe to repeat. Raises DatabaseUnavailable."""
        arrived: defaultdict[UUID, list[Envelope]] = defaultdict(list)
        for delivery in deliveries:
            arrived[delivery.event.org_id].append(delivery.envelope)
        for org_id, envelopes in arrived.items():
            await self._close(org_id, envelopes)

    async def _close(self, org_id: UUID, envelopes: Sequence[Envelope]) -> None:
        now = self._clock.now()
        async with self._transaction(org_id):
            if not await self._arrivals.new(org_id, envelopes, now=now):
                return
            newest = await self._subscriptions.newest(org_id)
            kept = await self._subscriptions.locked(org_id, newest.id) if newest is not None else None
            if kept is None:
                return
            now_is = as_of(kept, now)
            if now_is.subscription.ended_at is None:
                await self._keeping.keep(kept, now_is, ended_now(now_is.subscription, REASON))
            elif now_is.events:
                await self._keeping.keep(kept, now_is)
