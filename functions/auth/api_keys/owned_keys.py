"""Keys of members and service accounts, which may never do more than those whose they are."""

from collections.abc import Collection, Sequence
from uuid import UUID

from auth.api_keys.models import ApiKeyRevoked
from auth.api_keys.ports import Admission, Keys, RevokedKey
from llmo_core.clock import Clock
from llmo_data.ports import AfterCommit, Events


class OwnedKeys:
    """Takes from keys what those whose they are may not do any more.

    The rows change in the transaction under way; the gateway is told once that is committed.
    """

    def __init__(
        self, *, keys: Keys, events: Events, admission: Admission, after_commit: AfterCommit, clock: Clock
    ) -> None:
        self._keys = keys
        self._events = events
        self._admission = admission
        self._after_commit = after_commit
        self._clock = clock

    async def narrow(self, org_id: UUID, user_ids: Sequence[UUID], permissions: Collection[str]) -> None:
        """Leave these members' keys these permissions, and revoke those that are left none."""
        await self._tell(org_id, await self._keys.narrow(org_id, user_ids, permissions, at=self._clock.now()))

    async def revoke_of_account(self, org_id: UUID, account_id: UUID) -> None:
        """Revoke a service account's keys."""
        await self._tell(org_id, await self._keys.revoke_of_account(org_id, account_id, at=self._clock.now()))

    async def revoke_all(self, org_id: UUID) -> None:
        """Revoke every key of an organization."""
        await self._tell(org_id, await self._keys.revoke_all(org_id, at=self._clock.now()))

    async def _tell(self, org_id: UUID, changed: Sequence[RevokedKey]) -> None:
        revoked = [key for key in changed if key.newly]
        narrowed = [key for key in changed if not key.newly]
        for key in revoked:
            event = ApiKeyRevoked(org_id=org_id, key_id=key.key_id, revoked_at=self._clock.now())
            await self._events.announce(event, org_id=org_id, aggregate_id=key.key_id)

        async def tell_gateway() -> None:
            await self._admission.refuse_all(revoked)
            await self._admission.forget(narrowed)

        if changed:
            self._after_commit((self, changed[0].key_id), tell_gateway)
