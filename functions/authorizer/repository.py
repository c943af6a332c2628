"""The authorizer's SQL: what the auth service publishes of keys, sessions and service accounts."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from authorizer.models import AdmissionKey, AdmissionServiceAccount, AdmissionSession
from llmo_data.postgres import Database

SELECT_KEY = """
    SELECT key_id, org_id, project_id, permissions, allowed_cidrs, expires_at, revoked_at
    FROM auth.admission_keys
    WHERE key_hash = %s
    """
SELECT_SESSION = """
    SELECT user_id, role, role_permissions, expires_at, revoked_at
    FROM auth.admission_sessions
    WHERE session_id = %(session_id)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)
    LIMIT 1
    """
SELECT_SERVICE_ACCOUNT = """
    SELECT org_id, permissions, disabled_at
    FROM auth.admission_service_accounts
    WHERE account_id = %s
    """


class PostgresAdmission:
    """API keys, sessions, service accounts and signing keys in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def key(self, key_hash: str) -> AdmissionKey | None:
        """The key with this digest, also when it is revoked or expired. Raises DatabaseUnavailable."""
        async with self._database.statements() as connection:
            row = await (await connection.execute(SELECT_KEY, (key_hash,))).fetchone()
        return AdmissionKey.model_validate(row) if row is not None else None

    async def session(self, session_id: UUID, org_id: UUID | None) -> AdmissionSession | None:
        """A session of a member of an organization, or with none of anybody, also when it has ended.

        Raises DatabaseUnavailable.
        """
        named = {"session_id": session_id, "org_id": org_id}
        async with self._database.statements() as connection:
            row = await (await connection.execute(SELECT_SESSION, named)).fetchone()
        return AdmissionSession.model_validate(row) if row is not None else None

    async def service_account(self, account_id: UUID) -> AdmissionServiceAccount | None:
        """The service account with this id, also when it is disabled. Raises DatabaseUnavailable."""
        async with self._database.statements() as connection:
            row = await (await connection.execute(SELECT_SERVICE_ACCOUNT, (account_id,))).fetchone()
        return AdmissionServiceAccount.model_validate(row) if row is not None else None

    async def signing_keys(self) -> Mapping[str, Mapping[str, Any]]:
        """The published keys: JSON Web Keys by `kid`. Raises DatabaseUnavailable."""
        async with self._database.statements() as connection:
            rows = await (await connection.execute("SELECT kid, public_key FROM auth.signing_keys")).fetchall()
        return {row["kid"]: row["public_key"] for row in rows}
