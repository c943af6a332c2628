"""People, sessions and signing keys in PostgreSQL.

A transaction names the person whose rows it may touch in `app.user_id`, and what somebody showed in `app.credential`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from auth.rows import name_in
from auth.sign_in.models import Credentials, KeptRefreshToken, Membership, Method, Profile, PublishedKey, Session
from llmo_data.postgres import Connection, Database, insert, one

INSERT_USER = """
    INSERT INTO auth.users (id, email, password_hash, name)
    VALUES (%(id)s, %(email)s, %(password_hash)s, %(name)s)
    ON CONFLICT (lower(email)) DO NOTHING
    """
SELECT_CREDENTIALS = "SELECT id AS user_id, email, password_hash FROM auth.users"
SELECT_PROFILE = "SELECT id AS user_id, email, name FROM auth.users WHERE id = %(id)s AND deleted_at IS NULL"
RENAME = """
    UPDATE auth.users SET name = %(name)s WHERE id = %(id)s AND deleted_at IS NULL
    RETURNING id AS user_id, email, name
    """
SELECT_MEMBERSHIPS = """
    SELECT membership.org_id, membership.role, role.permissions AS role_permissions
    FROM auth.memberships AS membership
    LEFT JOIN auth.roles AS role ON role.org_id = membership.org_id AND role.name = membership.role
    WHERE membership.user_id = %(user_id)s
    ORDER BY membership.org_id
    """
FIND_FACTORS = """
    SELECT
        EXISTS (SELECT FROM auth.totp WHERE user_id = %(user_id)s AND confirmed_at IS NOT NULL) AS totp,
        EXISTS (SELECT FROM auth.recovery_codes WHERE user_id = %(user_id)s) AS recovery_code,
        EXISTS (SELECT FROM auth.passkeys WHERE user_id = %(user_id)s) AS passkey
    """
SELECT_SESSION = """
    SELECT id, user_id, org_id, created_at, authenticated_at, last_used_at, expires_at, revoked_at, host(ip) AS ip,
        user_agent, client_id, scope
    FROM auth.sessions
    """
FIND_REFRESH = """
    SELECT token_hash, session_id, user_id, created_at, expires_at, used_at, successor
    FROM auth.refresh_tokens
    WHERE token_hash = %(token_hash)s
    """
USE_REFRESH = """
    UPDATE auth.refresh_tokens SET used_at = %(used_at)s, successor = %(successor)s WHERE token_hash = %(token_hash)s
    """
AUTHENTICATED = "UPDATE auth.sessions SET authenticated_at = %(at)s WHERE user_id = %(user_id)s AND id = %(id)s"
TOUCH_SESSION = "UPDATE auth.sessions SET org_id = %(org_id)s, last_used_at = %(last_used_at)s WHERE id = %(id)s"
LIVE_SESSIONS = f"""{SELECT_SESSION}
    WHERE user_id = %(user_id)s AND revoked_at IS NULL AND expires_at > %(now)s
    ORDER BY id DESC
    LIMIT 1000
    """
END_CHALLENGES = "DELETE FROM auth.second_factor_challenges WHERE user_id = %(user_id)s"
REVOKE_ALL = """
    UPDATE auth.sessions SET revoked_at = %(at)s
    WHERE user_id = %(user_id)s AND id IS DISTINCT FROM %(keep)s::uuid AND revoked_at IS NULL
    """
REVOKE_SESSION = """
    UPDATE auth.sessions SET revoked_at = %(at)s
    WHERE user_id = %(user_id)s AND id = %(id)s AND revoked_at IS NULL
    """
ADD_KEY = """
    INSERT INTO auth.signing_keys (kid, public_key, signs_from, created_at)
    VALUES (%(kid)s, %(public_key)s, %(signs_from)s, %(created_at)s)
    ON CONFLICT (kid) DO NOTHING
    """
_ROTATING = 0x51_67_4B_65_79  # advisory lock


class PostgresPeople:
    """Users and their memberships."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_email(self, email: str) -> Credentials | None:
        """The credentials of the user with this address, in any case of letters."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.email", email)
            statement = f"{SELECT_CREDENTIALS} WHERE lower(email) = lower(%s)"
            row = await (await connection.execute(statement.encode(), (email,))).fetchone()
        return Credentials(**row) if row is not None else None

    async def credentials(self, user_id: UUID) -> Credentials | None:
        """The credentials of a user."""
        return await self._by_id(f"{SELECT_CREDENTIALS} WHERE id = %(id)s AND deleted_at IS NULL", user_id)

    async def locked(self, user_id: UUID) -> Credentials | None:
        """The same, and nobody else changes them before the transaction ends."""
        return await self._by_id(f"{SELECT_CREDENTIALS} WHERE id = %(id)s AND deleted_at IS NULL FOR UPDATE", user_id)

    async def _by_id(self, statement: str, user_id: UUID) -> Credentials | None:
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", user_id)
            row = await one(connection, statement, id=user_id)
        return Credentials(**row) if row is not None else None

    async def memberships(self, user_id: UUID) -> Sequence[Membership]:
        """The user's organizations, the oldest first."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", user_id)
            rows = await (await connection.execute(SELECT_MEMBERSHIPS, {"user_id": user_id})).fetchall()
        return [Membership(**row) for row in rows]

    async def second_factors(self, user_id: UUID) -> Sequence[Method]:
        """What somebody can show as a second factor; recovery codes alone are none."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", user_id)
            has = await one(connection, FIND_FACTORS, user_id=user_id) or {}
        return [method for method in Method if has[method]] if has["totp"] or has["passkey"] else []

    async def profile(self, user_id: UUID) -> Profile | None:
        """What a person shows of themselves."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", user_id)
            row = await one(connection, SELECT_PROFILE, id=user_id)
        return Profile(**row) if row is not None else None

    async def rename(self, user_id: UUID, name: str) -> Profile | None:
        """Give a person another name; None when they have no account any more."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", user_id)
            row = await one(connection, RENAME, id=user_id, name=name)
        return Profile(**row) if row is not None else None

    async def set_password(self, user_id: UUID, password_hash: str) -> None:
        """Replace a password's hash."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", user_id)
            await connection.execute("UPDATE auth.users SET password_hash = %s WHERE id = %s", (password_hash, user_id))


class PostgresSessions:
    """Sessions with their refresh tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """Makes what is done in it one commit."""
        return self._database.transaction()

    async def start(self, session: Session, token: KeptRefreshToken) -> None:
        """Keep a new session with its first refresh token."""
        async with self._of(session.user_id) as connection:
            await connection.execute(*insert("auth.sessions", session.model_dump()))
            await connection.execute(*insert("auth.refresh_tokens", token.model_dump()))

    async def shown(self, token_hash: str) -> tuple[Session, KeptRefreshToken] | None:
        """The session of a refresh token, locked for the transaction, and the token as it is then."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.credential", token_hash)
            known = await one(connection, FIND_REFRESH, token_hash=token_hash)
            if known is None:
                return None
            await name_in(connection, "app.user_id", known["user_id"])
            session = await one(connection, f"{SELECT_SESSION} WHERE id = %(id)s FOR UPDATE", id=known["session_id"])
            token = await one(connection, FIND_REFRESH, token_hash=token_hash)  # as whoever held the lock left it
            if session is None or token is None:
                return None
            return Session(**session), KeptRefreshToken(**token)

    async def replace(self, used: KeptRefreshToken, successor: KeptRefreshToken) -> None:
        """Mark a token as used, and keep its successor."""
        async with self._of(used.user_id) as connection:
            await connection.execute(USE_REFRESH, used.model_dump())
            await connection.execute(*insert("auth.refresh_tokens", successor.model_dump()))

    async def touch(self, session: Session) -> None:
        """Keep when a session was last used, and its organization."""
        async with self._of(session.user_id) as connection:
            await connection.execute(TOUCH_SESSION, session.model_dump())

    async def find(self, user_id: UUID, session_id: UUID) -> Session | None:
        """One of a user's sessions, also when it has ended."""
        async with self._of(user_id) as connection:
            row = await one(connection, f"{SELECT_SESSION} WHERE id = %(id)s", id=session_id)
        return Session(**row) if row is not None else None

    async def authenticated(self, user_id: UUID, session_id: UUID, at: datetime) -> None:
        """Keep when somebody proved again who they are."""
        async with self._of(user_id) as connection:
            await connection.execute(AUTHENTICATED, {"user_id": user_id, "id": session_id, "at": at})

    async def live(self, user_id: UUID, now: datetime) -> Sequence[Session]:
        """The user's sessions that have not ended, the newest first; a thousand at most."""
        async with self._of(user_id) as connection:
            rows = await (await connection.execute(LIVE_SESSIONS.encode(), {"user_id": user_id, "now": now})).fetchall()
        return [Session(**row) for row in rows]

    async def revoke(self, user_id: UUID, session_id: UUID, at: datetime) -> bool:
        """End one of a user's sessions; False when it had ended before, or is not theirs."""
        async with self._of(user_id) as connection:
            ended = await connection.execute(REVOKE_SESSION, {"user_id": user_id, "id": session_id, "at": at})
            return ended.rowcount == 1

    async def revoke_all(self, user_id: UUID, at: datetime, *, keep: UUID | None) -> None:
        """End every session of a user but one, and what waits for a second factor or for a person to allow it."""
        async with self._of(user_id) as connection:
            await connection.execute(END_CHALLENGES, {"user_id": user_id})
            # In the order in which one becomes the next: whoever makes one of them at this moment is waited for.
            await connection.execute("DELETE FROM auth.authorization_requests WHERE user_id = %s", (user_id,))
            await connection.execute("DELETE FROM auth.authorization_codes WHERE user_id = %s", (user_id,))
            await connection.execute(REVOKE_ALL, {"user_id": user_id, "keep": keep, "at": at})

    @asynccontextmanager
    async def _of(self, user_id: UUID) -> AsyncIterator[Connection]:
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", user_id)
            yield connection


class PostgresSigningKeys:
    """The public halves of signing keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def exclusively(self) -> AsyncIterator[None]:
        """One rotation at a time; what is done in it is one commit."""
        async with self._database.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ROTATING,))
            yield

    async def all(self) -> Sequence[PublishedKey]:
        """Every published key."""
        async with self._database.transaction() as connection:
            rows = await (
                await connection.execute("SELECT kid, public_key, signs_from, created_at FROM auth.signing_keys")
            ).fetchall()
        return [PublishedKey(**row) for row in rows]

    async def add(self, key: PublishedKey) -> None:
        """Publish a key; one that is published already stays as it is."""
        async with self._database.transaction() as connection:
            await connection.execute(ADD_KEY, {**key.model_dump(), "public_key": Jsonb(dict(key.public_key))})

    async def withdraw(self, kids: Sequence[str]) -> None:
        """Publish these no longer."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM auth.signing_keys WHERE kid = ANY(%s)", ([*kids],))
