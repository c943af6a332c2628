"""Keeping what billing has told."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from integration.billing_terms.events import (
    PrepaidLimitChanged,
    ServiceRestored,
    ServiceRestricted,
    ServiceSuspended,
    SpendCapChanged,
)
from integration.errors import UnknownOrganization
from integration.standings import Standing
from llmo_core.observability import logger

type Told = ServiceRestricted | ServiceSuspended | ServiceRestored | SpendCapChanged | PrepaidLimitChanged
type Change = Callable[[UUID], AbstractAsyncContextManager[None]]
"""A change of an organization's configuration, which gateways hear of afterwards. Raises UnknownOrganization."""


class Terms(Protocol):
    """What was told. Of each kind a revision is kept when it is higher than the one that is."""

    async def put_standing(self, org_id: UUID, standing: Standing, since: datetime, *, revision: int) -> None:
        """How far an organization may make calls."""
        ...

    async def put_spend_cap(self, org_id: UUID, limit_usd: Decimal | None, *, revision: int) -> None:
        """The most that it wants to spend in a month."""
        ...

    async def put_prepaid(
        self, org_id: UUID, limit_usd: Decimal | None, since: datetime | None, *, revision: int
    ) -> None:
        """The most that it may spend of what it has paid in advance since then."""
        ...


class BillingTerms:
    """Keeps what billing has told, so that it counts at the organization's next call."""

    def __init__(self, *, terms: Terms, change: Change) -> None:
        self._terms = terms
        self._change = change

    async def take(self, org_id: UUID, told: Told) -> None:
        """Keep what was told, unless something newer is. Safe to repeat. Raises DatabaseUnavailable.

        The gateways are told whatever was kept: perhaps they could not be when it came for the first time.
        """
        try:
            async with self._change(org_id):
                await self._keep(org_id, told)
        except UnknownOrganization:  # it was closed meanwhile, and has no keys
            logger().info("terms of an organization that is gone", extra={"org_id": str(org_id)})

    async def _keep(self, org_id: UUID, told: Told) -> None:
        match told:
            case SpendCapChanged():
                await self._terms.put_spend_cap(org_id, told.limit_usd, revision=told.revision)
            case PrepaidLimitChanged():
                since = told.since if told.limit_usd is not None else None
                await self._terms.put_prepaid(org_id, told.limit_usd, since, revision=told.revision)
            case ServiceRestricted():
                await self._terms.put_standing(org_id, Standing.RESTRICTED, told.since, revision=told.revision)
            case ServiceSuspended():
                await self._terms.put_standing(org_id, Standing.SUSPENDED, told.since, revision=told.revision)
            case ServiceRestored():
                await self._terms.put_standing(org_id, Standing.FULL, told.since, revision=told.revision)
