"""Requests with an `Idempotency-Key`, kept in the transaction of their effect.

The record is inserted before the request is carried out, in the same transaction: a request at the same time under the
same key waits for it, and finds its answer. When the transaction is rolled back, so is the record, and the request may
be repeated.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import sql
from psycopg.errors import LockNotAvailable

from llmo_core.errors import Conflict
from llmo_data.postgres import Connection

KEPT = timedelta(hours=24)

# Of two requests at the same time the second one waits here for the end of the first one's transaction.
_CLAIM = """
    INSERT INTO {records} AS record (org_id, actor_id, key_hash, request_hash, created_at, expires_at)
    VALUES (%(org_id)s, %(actor_id)s, %(key_hash)s, %(request_hash)s, %(now)s, %(expires_at)s)
    ON CONFLICT (org_id, actor_id, key_hash) DO UPDATE
        SET request_hash = excluded.request_hash, answer = NULL, created_at = excluded.created_at,
            expires_at = excluded.expires_at
        WHERE record.expires_at <= excluded.created_at
    RETURNING true AS claimed
    """
_FIND = """
    SELECT request_hash, answer FROM {records}
    WHERE org_id = %(org_id)s AND actor_id = %(actor_id)s AND key_hash = %(key_hash)s
    """
_KEEP = """
    UPDATE {records} SET answer = %(answer)s
    WHERE org_id = %(org_id)s AND actor_id = %(actor_id)s AND key_hash = %(key_hash)s
    """
_SET_LOCK_TIMEOUT = "SELECT set_config('lock_timeout', %s, true)"


class RequestInProgress(Conflict):
    """A request with this Idempotency-Key is under way. Repeat it a little later."""

    retry_after_seconds = 1


@dataclass(frozen=True, slots=True)
class RequestId:
    """One request: whose it is, and by which key; the key itself is not kept.

    Attributes:
        owner_id: The organization, or the person when the request is a personal one.
    """

    owner_id: UUID
    actor_id: UUID
    key_hash: str
    personal: bool = False

    def parameters(self) -> dict[str, object]:
        """For SQL."""
        return {"org_id": self.owner_id, "actor_id": self.actor_id, "key_hash": self.key_hash}


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """An earlier request under the same key: what it asked, and the answer that was kept."""

    request_hash: str
    answer: bytes


class IdempotencyRecords:
    """The requests of one schema.

    Args:
        schema: The service's schema, which has a table `idempotency_keys` (functions/migrate/tables.py).
        patience_seconds: How long a request waits for the one at the same time.
    """

    def __init__(self, schema: str, *, patience_seconds: float = 5.0) -> None:
        self._patience = f"{int(patience_seconds * 1000)}ms"
        self._records = sql.Identifier(schema, "idempotency_keys")

    async def claim(
        self, connection: Connection, request: RequestId, request_hash: str, *, now: datetime
    ) -> KnownRequest | None:
        """None when the request is new and this transaction carries it out; else what is known of the first one.

        Raises RequestInProgress when the first one takes longer than our patience; the transaction is of no use then.
        """
        await self._name_person(connection, request)
        row = {**request.parameters(), "request_hash": request_hash, "now": now, "expires_at": now + KEPT}
        await connection.execute(_SET_LOCK_TIMEOUT, (self._patience,))
        try:
            claimed = await (await connection.execute(self._sql(_CLAIM), row)).fetchone()
        except LockNotAvailable as error:
            raise RequestInProgress from error
        await connection.execute(_SET_LOCK_TIMEOUT, ("0",))
        if claimed is not None:
            return None
        known = await (await connection.execute(self._sql(_FIND), request.parameters())).fetchone()
        if known is None or known["answer"] is None:  # none is committed without its answer
            raise RequestInProgress
        return KnownRequest(known["request_hash"], bytes(known["answer"]))

    async def keep(self, connection: Connection, request: RequestId, answer: bytes) -> None:
        """Keep the answer of a claimed request."""
        await self._name_person(connection, request)
        await connection.execute(self._sql(_KEEP), {**request.parameters(), "answer": answer})

    async def _name_person(self, connection: Connection, request: RequestId) -> None:
        """The records of a person are theirs by row-level security, as an organization's are by its transaction."""
        if request.personal:
            await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(request.owner_id),))

    def _sql(self, statement: str) -> sql.Composed:
        return sql.SQL(statement).format(records=self._records)
