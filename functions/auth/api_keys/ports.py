"""What the use cases need of the world around them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from auth.api_keys.models import StoredKey
from llmo_core.model import Model


class RevokedKey(Model):
    """What the gateway knows a revoked key by, and whether it was still in use until now."""

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
        """Keep a new key. Raises UnknownProject when its project is not the organization's."""
        ...

    async def revoke(self, org_id: UUID, key_id: UUID, *, at: datetime) -> RevokedKey | None:
        """Mark a key as revoked; the first time stands. None when the organization has no such key."""
        ...


class Admission(Protocol):
    """What the gateway remembers of keys."""

    async def refuse(self, key: RevokedKey) -> None:
        """Make the gateway refuse the key from the next call on. Raises RevocationUnfinished; safe to repeat."""
        ...
