"""What one can do with spend caps."""

from collections.abc import Collection
from decimal import Decimal

from billing.spend_caps.models import SpendCap, SpendCapChanged
from billing.spend_caps.ports import SpendCaps
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_data.ports import Events, Transaction


class SpendCapService:
    """Shows and changes the caller's spend cap."""

    def __init__(self, *, caps: SpendCaps, events: Events, transaction: Transaction, clock: Clock) -> None:
        self._caps = caps
        self._events = events
        self._transaction = transaction
        self._clock = clock

    async def show(self, principal: Principal) -> SpendCap:
        """The cap of the caller's organization."""
        return await self._caps.find(principal.org_id)

    async def put(
        self, principal: Principal, limit_usd: Decimal | None, *, expected: Collection[int] | None
    ) -> SpendCap:
        """Set another cap, or none, and announce it to the gateway. Safe to repeat without an expected revision.

        Raises ChangedMeanwhile.
        """
        async with self._transaction(principal.org_id):
            before = await self._caps.locked(principal.org_id)
            before.require_revision(expected)
            if limit_usd == before.limit_usd:
                return before
            after = SpendCap(
                org_id=principal.org_id,
                limit_usd=limit_usd,
                revision=before.revision + 1,
                updated_by=principal.actor_id,
                updated_at=self._clock.now(),
            )
            await self._caps.change(after)
            changed = SpendCapChanged(revision=after.revision, limit_usd=limit_usd)
            await self._events.announce(changed, org_id=after.org_id, aggregate_id=after.org_id)
        return after
