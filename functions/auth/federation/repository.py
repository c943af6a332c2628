"""Identities, and sign-ins with them that are under way, in PostgreSQL.

A transaction names the person whose rows it may touch in `app.user_id`, and what somebody showed in `app.credential`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from psycopg.errors import UniqueViolation

from auth.federation.models import Flow, Identity, IdentityTaken, identity_digest
from auth.rows import name_in, shown_in
from llmo_data.postgres import Connection, Database, insert, one

SELECT_IDENTITY = """
    SELECT id, provider, issuer, subject, user_id, email, created_at, last_used_at FROM auth.identities
    """
TAKE_FLOW = """
    DELETE FROM auth.federation_flows
    WHERE token_hash = %(token_hash)s AND user_id IS NOT DISTINCT FROM %(user_id)s::uuid
    RETURNING token_hash, state_hash, provider, secrets, user_id, created_at, expires_at
    """


class PostgresFlows:
    """Sign-ins that are under way."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, flow: Flow) -> None:
        """Keep one."""
        async with shown_in(self._database, flow.token_hash, flow.user_id) as connection:
            await connection.execute(*insert("auth.federation_flows", flow.model_dump()))

    async def take(self, token_hash: str, user_id: UUID | None) -> Flow | None:
        """Use one up that is for this person, or for nobody yet: of two at once, one gets it."""
        async with shown_in(self._database, token_hash, user_id) as connection:
            row = await one(connection, TAKE_FLOW, token_hash=token_hash, user_id=user_id)
        return Flow(**row) if row is not None else None


class PostgresIdentities:
    """Identities by their issuers and subjects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def shown(self, issuer: str, subject: str) -> Identity | None:
        """Whosever identity this is."""
        statement = f"{SELECT_IDENTITY} WHERE issuer = %(issuer)s AND subject = %(subject)s"
        async with self._database.transaction() as connection:
            await name_in(connection, "app.credential", identity_digest(issuer, subject))
            row = await one(connection, statement, issuer=issuer, subject=subject)
        return Identity(**row) if row is not None else None

    async def of(self, user_id: UUID) -> Sequence[Identity]:
        """Somebody's identities, the oldest first."""
        statement = f"{SELECT_IDENTITY} WHERE user_id = %(user_id)s ORDER BY id"
        async with self._own(user_id) as connection:
            rows = await (await connection.execute(statement.encode(), {"user_id": user_id})).fetchall()
        return [Identity(**row) for row in rows]

    async def add(self, identity: Identity) -> None:
        """Keep one. Raises IdentityTaken."""
        try:
            async with self._own(identity.user_id) as connection:
                await connection.execute(*insert("auth.identities", identity.model_dump()))
        except UniqueViolation as error:
            raise IdentityTaken from error

    async def used(self, identity: Identity, at: datetime) -> None:
        """Keep when an identity was used."""
        async with self._own(identity.user_id) as connection:
            await connection.execute("UPDATE auth.identities SET last_used_at = %s WHERE id = %s", (at, identity.id))

    async def remove(self, identity: Identity) -> None:
        """Forget one."""
        async with self._own(identity.user_id) as connection:
            await connection.execute("DELETE FROM auth.identities WHERE id = %s", (identity.id,))

    @asynccontextmanager
    async def _own(self, user_id: UUID) -> AsyncIterator[Connection]:
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", user_id)
            yield connection
