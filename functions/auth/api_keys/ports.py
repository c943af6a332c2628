"""What the use cases need of the world around them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from auth.api_keys.models import StoredKey
from llmo_core.model import Model


class RevokedKey(Model):
    """What the gateway knows a revoked key by, and whether it was still in use until now."""

    key_id: UUID
    org_ref: str
    key_hash: str
    newly: bool


class Keys(Protocol):
    """The API keys of all organizations; every method is one transaction, limited to the organization it names."""

    async def org_ref(self, org_id: UUID) -> str:
        """The organization's short name in API keys. Raises UnknownOrganization."""
        ...

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[StoredKey]:
        """At most `limit` keys, newest first, that are older than the key `before`."""
        ...

    async def find(self, org_id: UUID, key_id: UUID) -> StoredKey | None:
        """The organization's key, also when it is revoked or expired."""
        ...

    async def add(self, key: StoredKey) -> None:
        """Keep a new key. Raises UnknownProject."""
        ...

    async def end(self, org_id: UUID, key_id: UUID, *, at: datetime) -> None:
        """Have a live key expire."""
        ...

    async def narrow(
        self, org_id: UUID, user_ids: Sequence[UUID], permissions: Collection[str], *, at: datetime
    ) -> Sequence[RevokedKey]:
        """Take from these members' own keys what is not among the permissions; gives the changed ones.

        A key that has none left is revoked.
        """
        ...

    async def locked(self, org_id: UUID, key_id: UUID) -> StoredKey | None:
        """The same, and nobody else changes it before the transaction ends."""
        ...

    async def owner_permissions(self, key: StoredKey) -> frozenset[str] | None:
        """What whoever the key is for may do, which nobody takes from them before the transaction ends.

        None when that is no member any more, or a disabled service account.
        """
        ...

    async def revoke_of_account(self, org_id: UUID, account_id: UUID, *, at: datetime) -> Sequence[RevokedKey]:
        """Mark the keys of a service account as revoked; gives those that were not before."""
        ...

    async def revoke_all(self, org_id: UUID, *, at: datetime) -> Sequence[RevokedKey]:
        """Mark every key of an organization as revoked; gives those that were not before."""
        ...

    async def revoke(self, org_id: UUID, key_id: UUID, *, at: datetime) -> RevokedKey | None:
        """Mark a key as revoked; the first time stands. None when the organization has no such key."""
        ...


class Admission(Protocol):
    """What the gateway remembers of keys."""

    async def refuse(self, key: RevokedKey) -> None:
        """Make the gateway refuse the key from the next call on. Raises RevocationUnfinished; safe to repeat."""
        ...

    async def forget(self, keys: Sequence[RevokedKey]) -> None:
        """Make the gateway look keys up anew. What it cannot be told now it finds out within five minutes."""
        ...

    async def refuse_all(self, keys: Sequence[RevokedKey]) -> None:
        """Make the gateway refuse keys. What it cannot be told now it finds out within five minutes."""
        ...

    async def last_used(self, org_ref: str, key_ids: Sequence[UUID]) -> Mapping[UUID, datetime]:
        """When keys were last admitted to a call, of those that were; nothing when that cannot be known now."""
        ...
