"""What one can do with API keys."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from auth.api_keys.models import (
    ApiKeyCreated,
    ApiKeyRevoked,
    ApiKeyRotated,
    CreatorNotAdmitted,
    CredentialsNotOwn,
    ExpiryInThePast,
    IssuedKey,
    KeyLimits,
    KeyNotLive,
    LimitBeyondOwn,
    NoSuchServiceAccount,
    PermissionNotHeld,
    ProjectRequired,
    StoredKey,
    UnknownKey,
)
from auth.api_keys.ports import Admission, Keys, RevokedKey
from auth.models import NotInPerson
from llmo_auth import api_key
from llmo_auth.principal import ActorType, Permission, Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import AfterCommit, Events, Transaction

_NEVER = datetime.max.replace(tzinfo=UTC)


class ApiKeyService:
    """Issues, lists and revokes API keys."""

    def __init__(
        self,
        *,
        keys: Keys,
        events: Events,
        transaction: Transaction,
        admission: Admission,
        after_commit: AfterCommit,
        pepper: bytes,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._keys = keys
        self._events = events
        self._transaction = transaction
        self._admission = admission
        self._after_commit = after_commit
        self._pepper = pepper
        self._clock = clock
        self._new_id = new_id

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
        allowed_cidrs: tuple[str, ...] | None = None,
        replaces: StoredKey | None = None,
        service_account_id: UUID | None = None,
    ) -> IssuedKey:
        """Create a key in the caller's organization; without `project_id` in the caller's own project.

        A key that creates keys gives none of them more than it has itself: permissions, limits, models, time to live.
        With `service_account_id` it is that account's, and made by a person with `service_accounts:write`. No key may
        do more than whose it is. Not safe to retry: each call makes another key. Raises ProjectRequired,
        UnknownProject, PermissionNotHeld, LimitBeyondOwn, CreatorNotAdmitted, ExpiryInThePast, NoSuchServiceAccount,
        MissingPermission, NotInPerson, CredentialsNotOwn.
        """
        now = self._clock.now()
        if principal.client_id is not None or principal.service is not None:
            raise CredentialsNotOwn
        if service_account_id is not None:
            _may_make_for_accounts(principal)
        if expires_at is not None and expires_at <= now:
            raise ExpiryInThePast
        own = await self._own(principal)
        held = principal.permissions if own is None else principal.permissions & set(own.permissions)
        _require_held(permissions, held)
        beyond = own.exceeded_by(limits, expires_at, allowed_cidrs) if own is not None else ()
        if beyond:
            raise LimitBeyondOwn(f"The key that you call with has narrower limits itself: {', '.join(beyond)}.")
        project_id = project_id or principal.project_id
        if project_id is None:
            raise ProjectRequired
        key = api_key.generate(await self._keys.org_ref(principal.org_id))
        stored = StoredKey(
            id=self._new_id(),
            org_id=principal.org_id,
            project_id=project_id,
            name=name,
            key_hash=key.digest(self._pepper),
            hint=key.hint,
            created_by=principal.actor_id,
            **_owner(principal, replaces or own, service_account_id),
            replaces=replaces.id if replaces is not None else None,
            permissions=tuple(sorted(set(permissions))),
            limits=limits,
            allowed_cidrs=allowed_cidrs,
            expires_at=expires_at,
            revoked_at=None,
            created_at=now,
        )
        async with self._transaction(principal.org_id):
            await self._within_owner(stored)
            await self._keys.add(stored)
            await self._events.announce(ApiKeyCreated.of(stored), org_id=principal.org_id, aggregate_id=stored.id)
        return IssuedKey(stored=stored, text=key.text)

    async def _within_owner(self, key: StoredKey) -> None:
        """API Gateway remembers what the authorizer said: what counts is what the owner may do now."""
        held = await self._keys.owner_permissions(key)
        if held is None:
            raise CreatorNotAdmitted if key.service_account_id is None else NoSuchServiceAccount
        _require_held(key.permissions, held)

    async def _own(self, principal: Principal) -> StoredKey | None:
        """The key that the caller calls with; None for a person."""
        if principal.actor_type is not ActorType.API_KEY:
            return None
        own = await self._keys.find(principal.org_id, principal.actor_id)
        if own is None or not own.admitted(self._clock.now()):
            raise CreatorNotAdmitted
        return own

    async def rotate(self, principal: Principal, key_id: UUID, *, overlap: timedelta) -> IssuedKey:
        """Give a key a successor that may do the same, and let the old one work for the overlap.

        Everybody rotates what is their own; a colleague's key takes `members:write`, a service account's a person with
        `service_accounts:write`. Not safe to retry: each call makes another key. The successor's own budget starts
        anew. Raises UnknownKey, KeyNotLive, MissingPermission, NotInPerson, and what `issue` raises when the key may do
        more than the caller.
        """
        now, org_id = self._clock.now(), principal.org_id
        async with self._transaction(org_id):
            old = await self._keys.locked(org_id, key_id)
            if old is None:
                raise UnknownKey
            if not old.admitted(now):
                raise KeyNotLive
            await self._may_rotate(principal, old)
            issued = await self.issue(
                principal,
                name=old.name,
                project_id=old.project_id,
                permissions=old.permissions,
                limits=old.limits,
                expires_at=old.expires_at,
                allowed_cidrs=old.allowed_cidrs,
                replaces=old,
            )
            until = min(now + overlap, old.expires_at or _NEVER)
            await self._keys.end(org_id, key_id, at=until)
            rotated = ApiKeyRotated(org_id=org_id, key_id=key_id, successor_id=issued.stored.id, expires_at=until)
            await self._events.announce(rotated, org_id=org_id, aggregate_id=key_id)
            changed = RevokedKey(
                key_id=key_id, org_ref=await self._keys.org_ref(org_id), key_hash=old.key_hash, newly=False
            )
            self._after_commit((self, key_id), lambda: self._admission.forget([changed]))
        return issued

    async def _may_rotate(self, principal: Principal, old: StoredKey) -> None:
        owner = {"user_id": old.user_id, "service_account_id": old.service_account_id}
        if owner == _owner(principal, await self._own(principal), None):
            return
        if old.service_account_id is not None:
            _may_make_for_accounts(principal)
        else:
            principal.require(Permission.MEMBERS_WRITE)

    async def last_used(self, principal: Principal, keys: Sequence[StoredKey]) -> Mapping[UUID, datetime]:
        """When keys were last admitted to a call; without those that never were, or of which it is not known."""
        org_ref = await self._keys.org_ref(principal.org_id)
        return await self._admission.last_used(org_ref, [key.id for key in keys])

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


def _owner(principal: Principal, related: StoredKey | None, service_account_id: UUID | None) -> dict[str, UUID | None]:
    """Whose a new key is: the named account's, that of the key that it replaces or that made it, or its maker's."""
    if service_account_id is not None:
        return {"user_id": None, "service_account_id": service_account_id}
    if related is not None:
        return {"user_id": related.user_id, "service_account_id": related.service_account_id}
    if principal.actor_type is ActorType.SERVICE_ACCOUNT:
        return {"user_id": None, "service_account_id": principal.actor_id}
    return {"user_id": principal.actor_id, "service_account_id": None}


def _may_make_for_accounts(principal: Principal) -> None:
    principal.require(Permission.SERVICE_ACCOUNTS_WRITE)
    if not principal.in_person:
        raise NotInPerson


def _require_held(permissions: Collection[str], held: Collection[str]) -> None:
    missing = sorted(set(permissions) - set(held))
    if missing:
        raise PermissionNotHeld(f"Whose key it is, or you yourself, lack {', '.join(missing)}.")
