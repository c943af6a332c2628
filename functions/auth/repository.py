"""The auth schema's SQL. Row-level security limits every transaction to the organization it names."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import ForeignKeyViolation
from psycopg.rows import DictRow

from auth.models import (
    Account,
    AccountIds,
    Caller,
    EmailTaken,
    KeyLimits,
    Organization,
    Project,
    StoredKey,
    UnknownOrganization,
    UnknownProject,
    User,
)
from auth.service.ports import RevokedKey
from auth.sign_in_repository import name_in
from llmo_auth.principal import Role
from llmo_data.postgres import Connection, Database, insert

_KEY_COLUMNS = frozenset(StoredKey.model_fields) - {"limits"}

SELECT_KEYS = """
    SELECT id, org_id, project_id, name, key_hash, hint, created_by, permissions, expires_at, revoked_at, created_at,
        requests_per_minute, tokens_per_minute, monthly_budget_usd, allowed_models
    FROM auth.api_keys
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
    RETURNING organization.org_ref, api_key.key_hash, before.revoked_at IS NULL AS newly
    """

INSERT_USER = """
    INSERT INTO auth.users (id, email, password_hash, name)
    VALUES (%(id)s, %(email)s, %(password_hash)s, %(name)s)
    ON CONFLICT (lower(email)) DO NOTHING
    """

SELECT_OWNED = """
    SELECT org_id FROM auth.memberships WHERE user_id = %(user_id)s AND role = 'owner' ORDER BY org_id LIMIT 1
    """

SELECT_FIRST_KEY = """
    SELECT org_id, project_id, created_by AS user_id, id AS key_id
    FROM auth.api_keys
    WHERE created_by = %(user_id)s
    ORDER BY id
    LIMIT 1
    """


class PostgresKeys:
    """API keys in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def caller(self, org_id: UUID, project_id: UUID | None) -> Caller:
        """Name an organization and one of its projects. Raises UnknownOrganization."""
        async with self._database.transaction(org_id) as connection:
            organization = await _one(
                connection, "SELECT id, org_ref, name, monthly_budget_usd FROM auth.organizations WHERE id = %s", org_id
            )
            project = await _one(connection, "SELECT id, org_id, name FROM auth.projects WHERE id = %s", project_id)
        if organization is None:
            raise UnknownOrganization
        return Caller(
            organization=Organization(**organization), project=Project(**project) if project is not None else None
        )

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[StoredKey]:
        """At most `limit` keys, newest first, that are older than the key `before`."""
        async with self._database.transaction(org_id) as connection:
            cursor = await connection.execute(SELECT_PAGE, {"org_id": org_id, "before": before, "limit": limit})
            return [_key(row) for row in await cursor.fetchall()]

    async def find(self, org_id: UUID, key_id: UUID) -> StoredKey | None:
        """The organization's key, also when it is revoked or expired."""
        async with self._database.transaction(org_id) as connection:
            row = await _one(connection, f"{SELECT_KEYS} WHERE id = %s", key_id)
        return _key(row) if row is not None else None

    async def add(self, key: StoredKey) -> None:
        """Keep a new key. Raises UnknownProject when its project is not the organization's."""
        try:
            async with self._database.transaction(key.org_id) as connection:
                await connection.execute(*insert("auth.api_keys", _key_row(key)))
        except ForeignKeyViolation as error:  # the key's project and organization are one foreign key
            raise UnknownProject from error

    async def revoke(self, org_id: UUID, key_id: UUID, *, at: datetime) -> RevokedKey | None:
        """Mark a key as revoked; the first time stands. None when the organization has no such key."""
        async with self._database.transaction(org_id) as connection:
            row = await (await connection.execute(REVOKE, {"key_id": key_id, "at": at})).fetchone()
        return RevokedKey(**row) if row is not None else None


class PostgresAccounts:
    """Organizations with their owners in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def owned_by(self, email: str) -> AccountIds | None:
        """The account that the user with this e-mail owns. Raises EmailTaken when they own none."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.email", email)
            user = await _one(connection, "SELECT id FROM auth.users WHERE lower(email) = lower(%s)", email)
            if user is None:
                return None
            await name_in(connection, "app.user_id", user["id"])
            owned = await (await connection.execute(SELECT_OWNED, {"user_id": user["id"]})).fetchone()
            if owned is None:
                raise EmailTaken
            await name_in(connection, "app.org_id", owned["org_id"])
            key = await (await connection.execute(SELECT_FIRST_KEY, {"user_id": user["id"]})).fetchone()
            if key is None:
                raise EmailTaken
            return AccountIds(**key)

    async def open(self, account: Account) -> bool:
        """Keep a new account; False, and nothing kept, when its owner's e-mail exists already."""
        async with self._database.transaction(account.organization.id) as connection:
            await name_in(connection, "app.email", account.owner.email)
            if not await _add_user(connection, account.owner):
                return False
            membership = {"org_id": account.organization.id, "user_id": account.owner.id, "role": Role.OWNER.value}
            await connection.execute(*insert("auth.organizations", account.organization.model_dump()))
            await connection.execute(*insert("auth.projects", account.project.model_dump()))
            await connection.execute(*insert("auth.memberships", membership))
            await connection.execute(*insert("auth.api_keys", _key_row(account.key)))
        return True


async def _add_user(connection: Connection, user: User) -> bool:
    """Whether the user was new. Waits for a transaction that is just adding the same e-mail."""
    return (await connection.execute(INSERT_USER, user.model_dump())).rowcount == 1


async def _one(connection: Connection, statement: str, value: object) -> DictRow | None:
    return await (await connection.execute(statement.encode(), (value,))).fetchone()


def _key(row: DictRow) -> StoredKey:
    limits = KeyLimits(**{name: row[name] for name in KeyLimits.model_fields})
    return StoredKey(limits=limits, **{name: row[name] for name in _KEY_COLUMNS})


def _key_row(key: StoredKey) -> dict[str, Any]:
    models = key.limits.allowed_models
    return {
        **key.model_dump(include=set(_KEY_COLUMNS)),
        **key.limits.model_dump(),
        "permissions": [permission.value for permission in key.permissions],
        "allowed_models": list(models) if models is not None else None,
    }
