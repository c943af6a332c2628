"""Organizations that pay in advance, and what that lets them spend."""

from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from billing.models import Operator
from billing.prepaid.models import Prepaid, PrepaidInDollarsOnly, PrepaidLimitChanged
from billing.prepaid.ports import Debts, DollarWallets, PrepaidOrganizations
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.currencies import Currency
from llmo_data.ports import Events, Transaction

# Calls count from a moment on at which every gateway knows of it, so that both count the same ones.
_BEGINS_IN: Final = timedelta(minutes=1)


class PrepaidLimits:
    """Keeps the gateway's limits what credit is worth."""

    def __init__(
        self,
        *,
        organizations: PrepaidOrganizations,
        debts: Debts,
        wallets: DollarWallets,
        events: Events,
        transaction: Transaction,
        clock: Clock,
    ) -> None:
        self._organizations = organizations
        self._debts = debts
        self._wallets = wallets
        self._events = events
        self._transaction = transaction
        self._clock = clock

    async def refresh(self, org_id: UUID) -> None:
        """Announce what an organization may spend, where it pays in advance and that is not what was announced.

        A part of the transaction under way, or one of its own. The wallet is locked first, as by everybody who changes
        credit, and then what is counted: of both and of what is owed there is one snapshot. Safe to repeat.
        """
        async with self._transaction(org_id):
            if (await self._organizations.find(org_id)).since is None:
                return
            await self._refreshed(org_id, self._clock.now())

    async def decide(self, org_id: UUID, *, pays_in_advance: bool, expected: Collection[int] | None) -> Prepaid:
        """Have an organization pay in advance from the next minute on, or no more. Safe to repeat.

        Raises ChangedMeanwhile, PrepaidInDollarsOnly.
        """
        now = self._clock.now()
        async with self._transaction(org_id):
            await self._wallets.locked(org_id, Currency.USD, now=now)  # in the same order as everybody
            before = await self._organizations.locked(org_id)
            before.require_revision(expected)
            if (before.since is not None) == pays_in_advance:
                return before
            if pays_in_advance and not (await self._debts.owed(org_id, now)).in_dollars:
                raise PrepaidInDollarsOnly
            changes = {
                "since": now + _BEGINS_IN if pays_in_advance else None,
                "counted_usd": Decimal(0),
                "limit_usd": None,
                "revision": before.revision + 1,
            }
            after = before.model_copy(update=changes)
            await self._organizations.change(after, looked_at=now)
            return await self._refreshed(org_id, now) if pays_in_advance else await self._announced(after, now)

    async def _refreshed(self, org_id: UUID, now: datetime) -> Prepaid:
        wallet = await self._wallets.locked(org_id, Currency.USD, now=now)
        prepaid = await self._organizations.locked(org_id)
        if prepaid.since is None:
            return prepaid
        limit = prepaid.limit(wallet.balance if wallet is not None else 0, await self._debts.owed(org_id, now))
        if limit != prepaid.limit_usd:
            return await self._announced(prepaid.model_copy(update={"limit_usd": limit}), now)
        await self._organizations.change(prepaid, looked_at=now)
        return prepaid

    async def _announced(self, prepaid: Prepaid, now: datetime) -> Prepaid:
        after = prepaid.model_copy(update={"announced": prepaid.announced + 1})
        await self._organizations.change(after, looked_at=now)
        changed = PrepaidLimitChanged(revision=after.announced, limit_usd=after.limit_usd, since=after.since)
        await self._events.announce(changed, org_id=after.org_id, aggregate_id=after.org_id)
        return after


class PrepaidService:
    """What the operator decides, and organizations see."""

    def __init__(self, *, organizations: PrepaidOrganizations, limits: PrepaidLimits, operator: Operator) -> None:
        self._organizations = organizations
        self._limits = limits
        self._operator = operator

    async def show(self, principal: Principal, org_id: UUID) -> Prepaid:
        """Whether an organization pays in advance: one's own, or any to the operator. Raises NotTheOperator."""
        if org_id != principal.org_id:
            self._operator.require(principal)
        return await self._organizations.find(org_id)

    async def decide(
        self, principal: Principal, org_id: UUID, *, pays_in_advance: bool, expected: Collection[int] | None
    ) -> Prepaid:
        """Decide it. Raises NotTheOperator, ChangedMeanwhile, PrepaidInDollarsOnly."""
        self._operator.require(principal)
        return await self._limits.decide(org_id, pays_in_advance=pays_in_advance, expected=expected)
