"""The auth schema's SQL. Row-level security limits every transaction to the organization it names."""

from collections.abc import Collection, Sequence
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from uuid import UUID

from psycopg.errors import ForeignKeyViolation
from psycopg.rows import DictRow

from auth.api_keys.models import KeyLimits, StoredKey
from auth.api_keys.ports import RevokedKey
from auth.models import UnknownOrganization, UnknownProject
from llmo_auth.principal import Permission, permissions_of
from llmo_data.postgres import Database, insert, one

_KEY_COLUMNS = frozenset(StoredKey.model_fields) - {"limits"}

SELECT_KEYS = """
    SELECT id, org_id, project_id, name, key_hash, hint, created_by, permissions, expires_at, revoked_at, created_at,
        requests_per_minute, tokens_per_minute, monthly_budget_usd, allowed_models, user_id, service_account_id,
        replaces,
        allowed_cidrs::text[] AS allowed_cidrs
    FROM auth.api_keys
    """

REVOKE_ALL = """
    UPDATE auth.api_keys AS api_key SET revoked_at = %(at)s
    FROM auth.organizations AS organization
    WHERE api_key.org_id = %(org_id)s AND organization.id = api_key.org_id AND api_key.revoked_at IS NULL
        AND (%(account_id)s::uuid IS NULL OR api_key.service_account_id = %(account_id)s)
    RETURNING api_key.id AS key_id, organization.org_ref, api_key.key_hash, true AS newly
    """
NARROW = """
    UPDATE auth.api_keys AS api_key
    SET permissions = CASE WHEN api_key.permissions && %(permissions)s::text[]
            THEN ARRAY(SELECT held FROM unnest(api_key.permissions) AS held WHERE held = ANY (%(permissions)s::text[]))
            ELSE api_key.permissions END,
        revoked_at = CASE WHEN api_key.permissions && %(permissions)s::text[] THEN NULL ELSE %(at)s END
    FROM auth.organizations AS organization
    WHERE api_key.org_id = %(org_id)s AND organization.id = api_key.org_id
        AND api_key.user_id = ANY (%(user_ids)s::uuid[])
        AND api_key.revoked_at IS NULL
        AND NOT api_key.permissions <@ %(permissions)s::text[]
    RETURNING api_key.id AS key_id, organization.org_ref, api_key.key_hash, api_key.revoked_at IS NOT NULL AS newly
    """
# Whoever takes something from the owner waits until the key is there, and then takes it from the key too.
HOLD_MEMBER = "SELECT role FROM auth.memberships WHERE user_id = %(user_id)s FOR SHARE"
HOLD_ROLE = "SELECT permissions FROM auth.roles WHERE name = %(name)s FOR SHARE"
HOLD_ACCOUNT = """
    SELECT permissions FROM auth.service_accounts WHERE id = %(id)s AND disabled_at IS NULL FOR SHARE
    """
SELECT_PAGE = f"""{SELECT_KEYS}
    WHERE org_id = %(org_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    ORDER BY id DESC
    LIMIT %(limit)s
    """

REVOKE = """
    WITH before AS (SELECT id, revoked_at FROM auth.api_keys WHERE id = %(key_id)s FOR UPDATE)
    UPDATE auth.api_keys AS api_key
    SET revoked_at = coalesce(before.revoked_at, %(at)s)
    FROM before, auth.organizations AS organization
    WHERE api_key.id = before.id AND organization.id = api_key.org_id
    RETURNING api_key.id AS key_id, organization.org_ref, api_key.key_hash, before.revoked_at IS NULL AS newly
    """


class PostgresKeys:
    """API keys in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def org_ref(self, org_id: UUID) -> str:
        """The organization's short name in API keys. Raises UnknownOrganization."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, "SELECT org_ref FROM auth.organizations WHERE id = %(id)s", id=org_id)
        if row is None:
            raise UnknownOrganization
        return str(row["org_ref"])

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[StoredKey]:
        """At most `limit` keys, newest first, that are older than the key `before`."""
        async with self._database.transaction(org_id) as connection:
            cursor = await connection.execute(SELECT_PAGE, {"org_id": org_id, "before": before, "limit": limit})
            return [_key(row) for row in await cursor.fetchall()]

    async def find(self, org_id: UUID, key_id: UUID) -> StoredKey | None:
        """The organization's key, also when it is revoked or expired."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, f"{SELECT_KEYS} WHERE id = %(id)s", id=key_id)
        return _key(row) if row is not None else None

    async def locked(self, org_id: UUID, key_id: UUID) -> StoredKey | None:
        """The same, and nobody else changes it before the transaction ends."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, f"{SELECT_KEYS} WHERE id = %(id)s FOR UPDATE", id=key_id)
        return _key(row) if row is not None else None

    async def add(self, key: StoredKey) -> None:
        """Keep a new key. Raises UnknownProject."""
        try:
            async with self._database.transaction(key.org_id) as connection:
                await connection.execute(*insert("auth.api_keys", key_row(key)))
        except ForeignKeyViolation as error:  # the key's project and organization are one foreign key
            raise UnknownProject from error

    async def end(self, org_id: UUID, key_id: UUID, *, at: datetime) -> None:
        """Have a live key expire."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute("UPDATE auth.api_keys SET expires_at = %s WHERE id = %s", (at, key_id))

    async def narrow(
        self, org_id: UUID, user_ids: Sequence[UUID], permissions: Collection[str], *, at: datetime
    ) -> Sequence[RevokedKey]:
        """Take from these members' own keys what is not among the permissions; gives the changed ones.

        A key that has none left is revoked.
        """
        row = {"org_id": org_id, "user_ids": [*user_ids], "permissions": [*permissions], "at": at}
        async with self._database.transaction(org_id) as connection:
            return [RevokedKey(**found) for found in await (await connection.execute(NARROW, row)).fetchall()]

    async def owner_permissions(self, key: StoredKey) -> frozenset[str] | None:
        """What whoever the key is for may do, which nobody takes from them before the transaction ends.

        None when that is no member any more, or a disabled service account.
        """
        async with self._database.transaction(key.org_id) as connection:
            if key.service_account_id is not None:
                account = await one(connection, HOLD_ACCOUNT, id=key.service_account_id)
                return frozenset(account["permissions"]) if account is not None else None
            if key.user_id is None:
                return frozenset(map(str, Permission))
            member = await one(connection, HOLD_MEMBER, user_id=key.user_id)
            if member is None:
                return None
            role = await one(connection, HOLD_ROLE, name=member["role"])
            return permissions_of(member["role"], role and role["permissions"])

    async def revoke_of_account(self, org_id: UUID, account_id: UUID, *, at: datetime) -> Sequence[RevokedKey]:
        """Mark the keys of a service account as revoked; gives those that were not before."""
        return await self._revoke_where(org_id, account_id, at)

    async def revoke_all(self, org_id: UUID, *, at: datetime) -> Sequence[RevokedKey]:
        """Mark every key of an organization as revoked; gives those that were not before."""
        return await self._revoke_where(org_id, None, at)

    async def _revoke_where(self, org_id: UUID, account_id: UUID | None, at: datetime) -> Sequence[RevokedKey]:
        row = {"org_id": org_id, "account_id": account_id, "at": at}
        async with self._database.transaction(org_id) as connection:
            return [RevokedKey(**found) for found in await (await connection.execute(REVOKE_ALL, row)).fetchall()]

    async def revoke(self, org_id: UUID, key_id: UUID, *, at: datetime) -> RevokedKey | None:
        """Mark a key as revoked; the first time stands. None when the organization has no such key."""
        async with self._database.transaction(org_id) as connection:
            row = await (await connection.execute(REVOKE, {"key_id": key_id, "at": at})).fetchone()
        return RevokedKey(**row) if row is not None else None


def _key(row: DictRow) -> StoredKey:
    limits = KeyLimits(**{name: row[name] for name in KeyLimits.model_fields})
    return StoredKey(limits=limits, **{name: row[name] for name in _KEY_COLUMNS})


def key_row(key: StoredKey) -> dict[str, Any]:
    """A key as a row of auth.api_keys."""
    models = key.limits.allowed_models
    return {
        **key.model_dump(include=set(_KEY_COLUMNS)),
        **key.limits.model_dump(),
        "permissions": [permission.value for permission in key.permissions],
        "allowed_models": list(models) if models is not None else None,
        "allowed_cidrs": _networks(key.allowed_cidrs),
    }


def _networks(cidrs: Sequence[str] | None) -> list[IPv4Network | IPv6Network] | None:
    return [ip_network(cidr) for cidr in cidrs] if cidrs is not None else None
