"""What one can do with accounts."""

from collections.abc import Collection
from uuid import UUID

from billing.accounts.models import Account, AccountDetails, AccountUpdated
from billing.accounts.ports import Accounts
from billing.models import Operator
from billing.taxes import Taxation
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_data.ports import Events, Transaction


class AccountService:
    """Shows and changes accounts. An organization has one from its first need on."""

    def __init__(
        self, *, accounts: Accounts, operator: Operator, events: Events, transaction: Transaction, clock: Clock
    ) -> None:
        self._accounts = accounts
        self._operator = operator
        self._events = events
        self._transaction = transaction
        self._clock = clock

    async def show(self, org_id: UUID) -> Account:
        """An organization's account; what nobody has said yet is as it is by default."""
        return await self._accounts.find(org_id) or await self.locked(org_id)

    async def locked(self, org_id: UUID) -> Account:
        """The same, made if need be; nobody else changes it before the end of the transaction under way."""
        return await self._accounts.locked(self._fresh(org_id))

    async def update(
        self, principal: Principal, details: AccountDetails, *, expected: Collection[int] | None
    ) -> Account:
        """Say something else of one's organization. Safe to repeat without an expected revision.

        Raises ChangedMeanwhile.
        """
        async with self._transaction(principal.org_id):
            before = await self.locked(principal.org_id)
            before.require_revision(expected)
            return await self._changed(before, principal, details=details, taxation=before.taxation)

    async def taxation(self, principal: Principal, org_id: UUID) -> Account:
        """How an organization is taxed: one's own, or any to the operator. Raises NotTheOperator."""
        if org_id != principal.org_id:
            self._operator.require(principal)
        return await self._accounts.find(org_id) or self._fresh(org_id)

    async def tax(
        self, principal: Principal, org_id: UUID, taxation: Taxation, *, expected: Collection[int] | None
    ) -> Account:
        """Decide how an organization is taxed. Safe to repeat without an expected revision.

        The rows are that organization's, and the operator was asked for: what is written is limited to it.
        Raises NotTheOperator, ChangedMeanwhile.
        """
        self._operator.require(principal)
        async with self._transaction(org_id):
            before = await self.locked(org_id)
            before.require_revision(expected)
            return await self._changed(before, principal, details=before.details, taxation=taxation)

    async def _changed(
        self, before: Account, principal: Principal, *, details: AccountDetails, taxation: Taxation
    ) -> Account:
        if (details, taxation) == (before.details, before.taxation):
            return before
        after = before.model_copy(
            update={
                "details": details,
                "taxation": taxation,
                "revision": before.revision + 1,
                "updated_at": self._clock.now(),
            }
        )
        await self._accounts.change(after)
        updated = AccountUpdated(
            revision=after.revision,
            time_zone=details.time_zone,
            taxation_changed=taxation != before.taxation,
            by=principal.actor_id,
        )
        await self._events.announce(updated, org_id=after.org_id, aggregate_id=after.org_id)
        return after

    def _fresh(self, org_id: UUID) -> Account:
        now = self._clock.now()
        return Account(org_id=org_id, created_at=now, updated_at=now)
