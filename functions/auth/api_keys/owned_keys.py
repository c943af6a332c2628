"""Keys of members and service accounts, which may never do more than those whose they are."""

from collections.abc import Collection, Sequence
from uuid import UUID

from auth.api_keys.models import ApiKeyRevoked
from auth.api_keys.ports import Admission, Keys, RevokedKey
from auth.ports import Events
from llmo_core.clock import Clock


class OwnedKeys:
    """Takes from keys what those whose they are may not do any more.

    The rows change in the caller's transaction; `settle` tells the gateway once that is committed.
    """

    def __init__(self, *, keys: Keys, events: Events, admission: Admission, clock: Clock) -> None:
        self._keys = keys
        self._events = events
        self._admission = admission
        self._clock = clock

    async def narrow(
        self, org_id: UUID, user_ids: Sequence[UUID], permissions: Collection[str]
    ) -> Sequence[RevokedKey]:
        """Leave these members' keys these permissions, and revoke those that are left none; gives what changed."""
        return await self._told(org_id, await self._keys.narrow(org_id, user_ids, permissions, at=self._clock.now()))

    async def revoke_of_account(self, org_id: UUID, account_id: UUID) -> Sequence[RevokedKey]:
        """Revoke a service account's keys; gives what changed."""
        return await self._told(org_id, await self._keys.revoke_of_account(org_id, account_id, at=self._clock.now()))

    async def revoke_all(self, org_id: UUID) -> Sequence[RevokedKey]:
        """Revoke every key of an organization; gives what changed."""
        return await self._told(org_id, await self._keys.revoke_all(org_id, at=self._clock.now()))

    async def _told(self, org_id: UUID, changed: Sequence[RevokedKey]) -> Sequence[RevokedKey]:
        now = self._clock.now()
        for key in changed:
            if key.newly:
                event = ApiKeyRevoked(org_id=org_id, key_id=key.key_id, revoked_at=now)
                await self._events.announce(event, org_id=org_id, aggregate_id=key.key_id)
        return changed

    async def settle(self, changed: Sequence[RevokedKey]) -> None:
        """Have the gateway refuse the revoked ones, and look the others up anew."""
        await self._admission.refuse_all([key for key in changed if key.newly])
        await self._admission.forget([key for key in changed if not key.newly])
