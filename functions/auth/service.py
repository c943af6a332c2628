"""What one can do with API keys and accounts."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from auth.models import (
    Account,
    AccountIds,
    ApiKeyCreated,
    ApiKeyRevoked,
    Caller,
    CreatorNotAdmitted,
    EmailTaken,
    ExpiryInThePast,
    IssuedKey,
    KeyLimits,
    LimitBeyondOwn,
    Organization,
    OrganizationCreated,
    PermissionNotHeld,
    Project,
    ProjectRequired,
    StoredKey,
    UnknownKey,
    User,
)
from llmo_auth import api_key
from llmo_auth.principal import ActorType, Permission, Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
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


class Events(Protocol):
    """Where it is announced what happened."""

    async def announce(self, event: Event, *, org_id: UUID, aggregate_id: UUID) -> None:
        """Have an event published once the transaction under way is committed, after the aggregate's earlier ones."""
        ...


type Transaction = Callable[[UUID], AbstractAsyncContextManager[object]]
"""Makes what is kept and announced in it, for one organization, one commit."""


class Admission(Protocol):
    """What the gateway remembers of keys."""

    async def refuse(self, key: RevokedKey) -> None:
        """Make the gateway refuse the key from the next call on. Raises RevocationUnfinished; safe to repeat."""
        ...


class ApiKeyService:
    """Issues, lists and revokes API keys."""

    def __init__(
        self,
        *,
        keys: Keys,
        events: Events,
        transaction: Transaction,
        admission: Admission,
        pepper: bytes,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._keys = keys
        self._events = events
        self._transaction = transaction
        self._admission = admission
        self._pepper = pepper
        self._clock = clock
        self._new_id = new_id

    async def caller(self, principal: Principal) -> Caller:
        """The organization and the project that a principal acts for. Raises UnknownOrganization."""
        return await self._keys.caller(principal.org_id, principal.project_id)

    async def page(
        self, principal: Principal, *, before: UUID | None, limit: int
    ) -> tuple[Sequence[StoredKey], UUID | None]:
        """The organization's keys, newest first, and the key after which the next page starts, if there is one."""
        found = await self._keys.page(principal.org_id, before=before, limit=limit + 1)
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else None

    async def issue(
        self,
        principal: Principal,
        *,
        name: str,
        project_id: UUID | None,
        permissions: Sequence[Permission],
        limits: KeyLimits,
        expires_at: datetime | None,
    ) -> IssuedKey:
        """Create a key in the caller's organization; without `project_id` in the caller's own project.

        A key that creates keys gives none of them more than it has itself: permissions, limits, models, time to live.
        Not safe to retry: each call makes another key. Raises ProjectRequired, UnknownProject, PermissionNotHeld,
        LimitBeyondOwn, CreatorNotAdmitted, ExpiryInThePast.
        """
        now = self._clock.now()
        missing = sorted(set(permissions) - principal.permissions)
        if missing:
            raise PermissionNotHeld(f"You do not have {', '.join(missing)} yourself.")
        if expires_at is not None and expires_at <= now:
            raise ExpiryInThePast
        if principal.actor_type is ActorType.API_KEY:
            await self._within_own(principal, limits, expires_at)
        project_id = project_id or principal.project_id
        if project_id is None:
            raise ProjectRequired
        caller = await self._keys.caller(principal.org_id, None)
        key = api_key.generate(caller.organization.org_ref)
        stored = StoredKey(
            id=self._new_id(),
            org_id=principal.org_id,
            project_id=project_id,
            name=name,
            key_hash=key.digest(self._pepper),
            hint=key.hint,
            created_by=principal.actor_id,
            permissions=tuple(sorted(set(permissions))),
            limits=limits,
            expires_at=expires_at,
            revoked_at=None,
            created_at=now,
        )
        async with self._transaction(principal.org_id):
            await self._keys.add(stored)
            await self._events.announce(ApiKeyCreated.of(stored), org_id=principal.org_id, aggregate_id=stored.id)
        return IssuedKey(stored=stored, text=key.text)

    async def _within_own(self, principal: Principal, limits: KeyLimits, expires_at: datetime | None) -> None:
        # API Gateway remembers the authorizer's answer: for that long a withdrawn key could make itself a successor.
        own = await self._keys.find(principal.org_id, principal.actor_id)
        if own is None or not own.admitted(self._clock.now()):
            raise CreatorNotAdmitted
        beyond = own.exceeded_by(limits, expires_at)
        if beyond:
            raise LimitBeyondOwn(f"The key that you call with has narrower limits itself: {', '.join(beyond)}.")

    async def revoke(self, principal: Principal, key_id: UUID) -> None:
        """Revoke a key: when this returns, the gateway refuses its next call.

        The database first, then the gateway's memory: a gateway that reads the key in between cannot bring it back.
        Safe to repeat, also after RevocationUnfinished. Raises UnknownKey.
        """
        now, org_id = self._clock.now(), principal.org_id
        async with self._transaction(org_id):
            revoked = await self._keys.revoke(org_id, key_id, at=now)
            if revoked is None:
                raise UnknownKey
            if revoked.newly:
                event = ApiKeyRevoked(org_id=org_id, key_id=key_id, revoked_at=now)
                await self._events.announce(event, org_id=org_id, aggregate_id=key_id)
        await self._admission.refuse(revoked)


class Accounts(Protocol):
    """Customers as a whole; every method is one transaction."""

    async def owned_by(self, email: str) -> AccountIds | None:
        """The account that the user with this e-mail owns. Raises EmailTaken when they own none."""
        ...

    async def open(self, account: Account) -> bool:
        """Keep a new account; False, and nothing kept, when its owner's e-mail exists already."""
        ...


class AccountService:
    """Opens accounts."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        events: Events,
        transaction: Transaction,
        hash_password: Callable[[str], str],
        pepper: bytes,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._accounts = accounts
        self._events = events
        self._transaction = transaction
        self._hash_password = hash_password
        self._pepper = pepper
        self._clock = clock
        self._new_id = new_id

    async def open(
        self, *, organization: str, project: str, email: str, password: str, monthly_budget_usd: Decimal | None
    ) -> AccountIds:
        """Create an organization with a project, an owner and an API key that may do everything.

        Safe to repeat, also at the same time: an e-mail address gets one account, and a later call finds it and
        changes nothing. Only the call that creates it learns the key. Raises EmailTaken.
        """
        found = await self._accounts.owned_by(email)
        if found is not None:
            return found
        org_ref = api_key.new_org_ref()
        key = api_key.generate(org_ref)
        account = self._account(
            Organization(id=self._new_id(), org_ref=org_ref, name=organization, monthly_budget_usd=monthly_budget_usd),
            project=project,
            owner=User(
                id=self._new_id(),
                email=email,
                password_hash=self._hash_password(password),
                name=email.partition("@")[0],
            ),
            key=key,
        )
        if await self._keep(account):
            return AccountIds(
                org_id=account.organization.id,
                project_id=account.project.id,
                user_id=account.owner.id,
                key_id=account.key.id,
                api_key=key.text,
            )
        found = await self._accounts.owned_by(email)
        if found is None:
            raise EmailTaken
        return found

    async def _keep(self, account: Account) -> bool:
        """Whether the account was new; one transaction keeps and announces it."""
        org_id = account.organization.id
        async with self._transaction(org_id):
            if not await self._accounts.open(account):
                return False
            created = OrganizationCreated(org_id=org_id, name=account.organization.name, owner_id=account.owner.id)
            await self._events.announce(created, org_id=org_id, aggregate_id=org_id)
            await self._events.announce(ApiKeyCreated.of(account.key), org_id=org_id, aggregate_id=account.key.id)
        return True

    def _account(self, organization: Organization, *, project: str, owner: User, key: api_key.ApiKey) -> Account:
        project_id = self._new_id()
        return Account(
            organization=organization,
            project=Project(id=project_id, org_id=organization.id, name=project),
            owner=owner,
            key=StoredKey(
                id=self._new_id(),
                org_id=organization.id,
                project_id=project_id,
                name="First key",
                key_hash=key.digest(self._pepper),
                hint=key.hint,
                created_by=owner.id,
                permissions=tuple(sorted(Permission)),
                limits=KeyLimits(),
                expires_at=None,
                revoked_at=None,
                created_at=self._clock.now(),
            ),
        )
