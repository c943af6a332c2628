"""Second factors in PostgreSQL.

A transaction names the person whose rows it may touch in `app.user_id`, and what somebody showed in `app.credential`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from psycopg.errors import UniqueViolation

from auth.rows import name_in, shown_in
from auth.second_factors.models import Passkey, PasskeyChallenge, PasskeyKnown, Totp
from llmo_data.postgres import Connection, Database, insert, one

FIND_TOTP = "SELECT user_id, secret, created_at, confirmed_at, last_step FROM auth.totp WHERE user_id = %(user_id)s"
ACCEPT_TOTP = """
    UPDATE auth.totp SET confirmed_at = %(confirmed_at)s, last_step = %(last_step)s WHERE user_id = %(user_id)s
    """
REMOVE_TOTP = "DELETE FROM auth.totp WHERE user_id = %(user_id)s"
COUNT_CODES = "SELECT count(*) AS codes FROM auth.recovery_codes WHERE user_id = %(user_id)s"
FORGET_CODES = "DELETE FROM auth.recovery_codes WHERE user_id = %(user_id)s"
ADD_CODES = """
    INSERT INTO auth.recovery_codes (user_id, code_hash, created_at)
    SELECT %(user_id)s, code_hash, %(at)s FROM unnest(%(hashes)s::text[]) AS code_hash
    """
USE_CODE = "DELETE FROM auth.recovery_codes WHERE user_id = %(user_id)s AND code_hash = %(code_hash)s"
SELECT_PASSKEY = """
    SELECT id, user_id, credential_id, public_key, sign_count, name, created_at, last_used_at FROM auth.passkeys
    """
USE_PASSKEY = "UPDATE auth.passkeys SET sign_count = %(sign_count)s, last_used_at = %(last_used_at)s WHERE id = %(id)s"
TAKE_CHALLENGE = """
    DELETE FROM auth.passkey_challenges
    WHERE challenge_hash = %(challenge_hash)s AND user_id IS NOT DISTINCT FROM %(user_id)s::uuid
    RETURNING expires_at
    """


class _Own:
    """Rows of a person."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def _of(self, user_id: UUID) -> AsyncIterator[Connection]:
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", user_id)
            yield connection


class PostgresTotps(_Own):
    """Authenticator apps."""

    async def find(self, user_id: UUID) -> Totp | None:
        """Somebody's app, also one that is not confirmed."""
        async with self._of(user_id) as connection:
            row = await one(connection, FIND_TOTP, user_id=user_id)
        return Totp(**row) if row is not None else None

    async def put(self, totp: Totp) -> None:
        """Keep an app in place of the one before."""
        async with self._of(totp.user_id) as connection:
            await connection.execute(REMOVE_TOTP, {"user_id": totp.user_id})
            await connection.execute(*insert("auth.totp", totp.model_dump()))

    async def accept(self, totp: Totp) -> None:
        """Keep when an app was confirmed, and the latest step of time that was accepted."""
        async with self._of(totp.user_id) as connection:
            await connection.execute(ACCEPT_TOTP, totp.model_dump())

    async def remove(self, user_id: UUID) -> None:
        """Forget an app."""
        async with self._of(user_id) as connection:
            await connection.execute(REMOVE_TOTP, {"user_id": user_id})


class PostgresRecoveryCodes(_Own):
    """Recovery codes by their digests."""

    async def left(self, user_id: UUID) -> int:
        """How many somebody has."""
        async with self._of(user_id) as connection:
            row = await one(connection, COUNT_CODES, user_id=user_id)
        return int(row["codes"]) if row is not None else 0

    async def replace(self, user_id: UUID, hashes: Sequence[str], at: datetime) -> None:
        """Keep these, and none of the earlier ones."""
        async with self._of(user_id) as connection:
            await connection.execute(FORGET_CODES, {"user_id": user_id})
            await connection.execute(ADD_CODES, {"user_id": user_id, "hashes": [*hashes], "at": at})

    async def use(self, user_id: UUID, code_hash: str) -> bool:
        """Use a code up; False when there is none: of two at once, one gets it."""
        async with self._of(user_id) as connection:
            used = await connection.execute(USE_CODE, {"user_id": user_id, "code_hash": code_hash})
            return used.rowcount == 1


class PostgresPasskeys(_Own):
    """Passkeys."""

    async def of(self, user_id: UUID) -> Sequence[Passkey]:
        """Somebody's passkeys, the oldest first."""
        statement = f"{SELECT_PASSKEY} WHERE user_id = %(user_id)s ORDER BY id"
        async with self._of(user_id) as connection:
            rows = await (await connection.execute(statement.encode(), {"user_id": user_id})).fetchall()
        return [Passkey(**row) for row in rows]

    async def shown(self, credential_id: bytes) -> Passkey | None:
        """Whosever passkey has this id."""
        statement = f"{SELECT_PASSKEY} WHERE credential_id = %(credential_id)s"
        async with self._database.transaction() as connection:
            await name_in(connection, "app.credential", credential_id.hex())
            row = await one(connection, statement, credential_id=credential_id)
        return Passkey(**row) if row is not None else None

    async def add(self, passkey: Passkey) -> None:
        """Keep a passkey. Raises PasskeyKnown."""
        try:
            async with self._of(passkey.user_id) as connection:
                await connection.execute(*insert("auth.passkeys", passkey.model_dump()))
        except UniqueViolation as error:
            raise PasskeyKnown from error

    async def used(self, passkey: Passkey) -> None:
        """Keep when a passkey was used, and what its authenticator counted."""
        async with self._of(passkey.user_id) as connection:
            await connection.execute(USE_PASSKEY, passkey.model_dump())

    async def remove(self, passkey: Passkey) -> None:
        """Forget a passkey."""
        async with self._of(passkey.user_id) as connection:
            await connection.execute("DELETE FROM auth.passkeys WHERE id = %s", (passkey.id,))


class PostgresPasskeyChallenges:
    """What authenticators were asked to sign."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, challenge: PasskeyChallenge) -> None:
        """Keep a challenge."""
        async with shown_in(self._database, challenge.challenge_hash, challenge.user_id) as connection:
            await connection.execute(*insert("auth.passkey_challenges", challenge.model_dump()))

    async def take(self, challenge_hash: str, user_id: UUID | None, now: datetime) -> bool:
        """Use a challenge up that is for this person, or for nobody yet; False when there is none that lives."""
        async with shown_in(self._database, challenge_hash, user_id) as connection:
            taken = await one(connection, TAKE_CHALLENGE, challenge_hash=challenge_hash, user_id=user_id)
        return taken is not None and taken["expires_at"] > now
