"""What the operator can do with suppressions."""

from collections.abc import Callable
from uuid import UUID

from llmo_auth.principal import Principal
from llmo_core.paging import Page
from llmo_data.ports import Events, Transaction
from notification.kinds.models import Channel
from notification.suppressions.models import (
    Suppression,
    SuppressionLifted,
    SuppressionsOfOperator,
    UnknownSuppression,
)
from notification.suppressions.ports import Suppressions


class SuppressionService:
    """Shows suppressions, and lifts them.

    Args:
        operator_id: The organization that operates the deployment, whose they are; None where nobody does.
        address_hash: Of an address, under our secret.
    """

    def __init__(
        self,
        *,
        suppressions: Suppressions,
        events: Events,
        transaction: Transaction,
        operator_id: UUID | None,
        address_hash: Callable[[str], str],
    ) -> None:
        self._suppressions = suppressions
        self._events = events
        self._transaction = transaction
        self._operator_id = operator_id
        self._address_hash = address_hash

    async def page(
        self, principal: Principal, *, channel: Channel | None, address: str | None, before: UUID | None, limit: int
    ) -> Page[Suppression]:
        """Suppressions, of a channel or an address, the newest first. Raises SuppressionsOfOperator."""
        self._require_operator(principal)
        hashed = self._address_hash(address) if address is not None else None
        found = await self._suppressions.page(channel=channel, address_hash=hashed, before=before, limit=limit + 1)
        return Page.of(found, limit)

    async def lift(self, principal: Principal, suppression_id: UUID) -> None:
        """Send to an address again. Raises SuppressionsOfOperator, UnknownSuppression."""
        self._require_operator(principal)
        async with self._transaction(None):
            lifted = await self._suppressions.remove(suppression_id)
            if lifted is None:
                raise UnknownSuppression
            event = SuppressionLifted(
                suppression_id=lifted.id, channel=lifted.channel, reason=lifted.reason, by=principal.actor_id
            )
            async with self._transaction(principal.org_id):
                await self._events.announce(event, org_id=principal.org_id, aggregate_id=lifted.id)

    def _require_operator(self, principal: Principal) -> None:
        if principal.org_id != self._operator_id:
            raise SuppressionsOfOperator
