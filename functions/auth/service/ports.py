"""What the use cases need of the world around them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from auth.models import Account, AccountIds, Caller, StoredKey
from llmo_core.model import Model
from llmo_messaging.envelope import Event


class RevokedKey(Model):
    """What the gateway knows a revoked key by, and whether it was still in use until now."""

    org_ref: str
    key_hash: str
    newly: bool


class Keys(Protocol):
    """The API keys of all organizations; every method is one transaction, limited to the organization it names."""

    async def caller(self, org_id: UUID, project_id: UUID | None) -> Caller:
        """Name an organization and one of its projects. Raises UnknownOrganization."""
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


class Accounts(Protocol):
    """Customers as a whole; every method is one transaction."""

    async def owned_by(self, email: str) -> AccountIds | None:
        """The account that the user with this e-mail owns. Raises EmailTaken when they own none."""
        ...

    async def open(self, account: Account) -> bool:
        """Keep a new account; False, and nothing kept, when its owner's e-mail exists already."""
        ...


class Events(Protocol):
    """Where it is announced what happened."""

    async def announce(self, event: Event, *, org_id: UUID | None, aggregate_id: UUID) -> None:
        """Have an event published once the transaction under way is committed, after the aggregate's earlier ones.

        One about a person, not about an organization, has no `org_id`.
        """
        ...


type Transaction = Callable[[UUID | None], AbstractAsyncContextManager[object]]
"""Makes what is kept and announced in it, for one organization or for none, one commit."""


class Admission(Protocol):
    """What the gateway remembers of keys."""

    async def refuse(self, key: RevokedKey) -> None:
        """Make the gateway refuse the key from the next call on. Raises RevocationUnfinished; safe to repeat."""
        ...
