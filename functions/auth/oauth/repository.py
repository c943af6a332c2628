"""Applications, their requests and codes in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from auth.oauth.models import Application, AuthorizationCode, AuthorizationRequest
from auth.rows import name_in
from llmo_data.postgres import Database, insert, one

SELECT_APPLICATIONS = """
    SELECT id, org_id, name, redirect_uris, permissions, secret_hash, created_by, created_at
    FROM auth.oauth_clients
    WHERE removed_at IS NULL
    """
REMOVE_APPLICATION = """
    UPDATE auth.oauth_clients SET removed_at = %(at)s
    WHERE org_id = %(org_id)s AND id = %(id)s AND removed_at IS NULL
    """
END_SESSIONS = "UPDATE auth.sessions SET revoked_at = %(at)s WHERE client_id = %(id)s AND revoked_at IS NULL"
SHOW_REQUEST = """
    SELECT cookie_hash, form_hash, client_id, redirect_uri, code_challenge, scope, state, nonce, user_id,
        authenticated_at, amr, created_at, expires_at
    FROM auth.authorization_requests
    WHERE cookie_hash = %(cookie_hash)s
    FOR UPDATE
    """
SELECT_CODE = """
    SELECT code_hash, client_id, user_id, org_id, session_id, redirect_uri, code_challenge, scope, nonce,
        authenticated_at, amr, created_at, valid_until, expires_at, used_at
    FROM auth.authorization_codes
    WHERE code_hash = %(code_hash)s
    """


class PostgresApplications:
    """Applications that are not removed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, org_id: UUID) -> Sequence[Application]:
        """Those that an organization registered, the newest first."""
        statement = f"{SELECT_APPLICATIONS} AND org_id = %(org_id)s ORDER BY id DESC"
        async with self._database.transaction(org_id) as connection:
            rows = await (await connection.execute(statement.encode(), {"org_id": org_id})).fetchall()
        return [Application(**row) for row in rows]

    async def add(self, application: Application) -> None:
        """Keep a new one."""
        row: dict[str, Any] = application.model_dump()
        row["permissions"] = [permission.value for permission in application.permissions]
        async with self._database.transaction(application.org_id) as connection:
            await connection.execute(*insert("auth.oauth_clients", row))

    async def remove(self, org_id: UUID, client_id: UUID, at: datetime) -> bool:
        """Remove one and end its sessions; False when the organization has none with this id."""
        async with self._database.transaction(org_id) as connection:
            named = {"org_id": org_id, "id": client_id, "at": at}
            if (await connection.execute(REMOVE_APPLICATION, named)).rowcount == 0:
                return False
            await name_in(connection, "app.ended_client", client_id)
            await connection.execute(END_SESSIONS, named)
        return True

    async def remove_all(self, org_id: UUID, at: datetime) -> None:
        """Remove every one of an organization's and end their sessions."""
        async with self._database.transaction(org_id):
            for application in await self.all(org_id):
                await self.remove(org_id, application.id, at)

    async def by_id(self, client_id: UUID) -> Application | None:
        """The application with this id, whoever registered it."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.credential", client_id)
            row = await one(connection, f"{SELECT_APPLICATIONS} AND id = %(id)s", id=client_id)
        return Application(**row) if row is not None else None

    async def held(self, application: Application) -> bool:
        """Whether it still is not removed; then nobody removes it before the transaction ends."""
        async with self._database.transaction(application.org_id) as connection:
            row = await one(connection, f"{SELECT_APPLICATIONS} AND id = %(id)s FOR SHARE", id=application.id)
        return row is not None

    async def registrar(self, application: Application) -> str:
        """The name of the organization that registered an application."""
        async with self._database.transaction(application.org_id) as connection:
            statement = "SELECT name FROM auth.organizations WHERE id = %(id)s"
            row = await one(connection, statement, id=application.org_id)
        return str(row["name"]) if row is not None else ""


class PostgresRequests:
    """What applications asked for and nobody decided yet."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, request: AuthorizationRequest) -> None:
        """Keep a request."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.credential", request.cookie_hash)
            await connection.execute(*insert("auth.authorization_requests", request.model_dump()))

    async def shown(self, cookie_hash: str) -> AuthorizationRequest | None:
        """The request of a browser, locked for the transaction."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.credential", cookie_hash)
            row = await one(connection, SHOW_REQUEST, cookie_hash=cookie_hash)
        return AuthorizationRequest(**row) if row is not None else None

    async def next_form(self, cookie_hash: str, form_hash: str) -> None:
        """Take nothing but the next form from now on."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.credential", cookie_hash)
            await connection.execute(
                "UPDATE auth.authorization_requests SET form_hash = %s WHERE cookie_hash = %s", (form_hash, cookie_hash)
            )

    async def remove(self, cookie_hash: str) -> bool:
        """Forget a request; False when there is none."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.credential", cookie_hash)
            deleted = await connection.execute(
                "DELETE FROM auth.authorization_requests WHERE cookie_hash = %s", (cookie_hash,)
            )
            return deleted.rowcount == 1


class PostgresCodes:
    """Authorization codes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, code: AuthorizationCode) -> None:
        """Keep a new code."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", code.user_id)
            await connection.execute(*insert("auth.authorization_codes", code.model_dump()))

    async def shown(self, code_hash: str) -> AuthorizationCode | None:
        """The code with this digest, locked for the transaction."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.credential", code_hash)
            known = await one(connection, SELECT_CODE, code_hash=code_hash)
            if known is None:
                return None
            await name_in(connection, "app.user_id", known["user_id"])
            row = await one(connection, f"{SELECT_CODE} FOR UPDATE", code_hash=code_hash)
        return AuthorizationCode(**row) if row is not None else None

    async def use(self, code: AuthorizationCode, at: datetime) -> None:
        """Mark a code as used."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", code.user_id)
            await connection.execute(
                "UPDATE auth.authorization_codes SET used_at = %s WHERE code_hash = %s", (at, code.code_hash)
            )
