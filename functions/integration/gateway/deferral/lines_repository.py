"""Lines of batches in PostgreSQL, while they are worked on. Everything raises DatabaseUnavailable."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from integration.gateway.deferral.models import Batch, Line, Outcome
from llmo_core.money import from_pico
from llmo_data.postgres import Connection, Database, every, one

_COLUMNS: Final = "position, custom_id, call_id, body, tries, held_at, alone"
ADD: Final = """
    INSERT INTO integration.batch_lines (org_id, batch_id, position, custom_id, call_id, body)
    VALUES (%(org_id)s, %(batch_id)s, %(position)s, %(custom_id)s, %(call_id)s, %(body)s)
    """
WAITING: Final = f"""
    SELECT {_COLUMNS} FROM integration.batch_lines
    WHERE batch_id = %(batch_id)s AND outcome IS NULL AND provider_batch_id IS NULL AND position > %(after)s
        AND (retry_at IS NULL OR retry_at <= %(now)s)
    ORDER BY position LIMIT %(limit)s
    """  # noqa: S608 - of constants
UNDECIDED: Final = f"""
    SELECT {_COLUMNS} FROM integration.batch_lines
    WHERE batch_id = %(batch_id)s AND outcome IS NULL AND position > %(after)s
    ORDER BY position LIMIT %(limit)s
    """  # noqa: S608 - of constants
LEFT: Final = """
    SELECT count(*) AS lines, min(retry_at) AS earliest FROM integration.batch_lines
    WHERE batch_id = %(batch_id)s AND outcome IS NULL
    """
DECIDE: Final = """
    UPDATE integration.batch_lines SET outcome = %(text)s, failed = %(failed)s
    WHERE batch_id = %(batch_id)s AND position = %(position)s AND outcome IS NULL
    RETURNING position
    """
COUNT: Final = """
    UPDATE integration.batches SET completed = completed + %(completed)s, failed = failed + %(failed)s,
        cost_usd = cost_usd + %(cost)s
    WHERE id = %(batch_id)s
    """
POSTPONE: Final = """
    UPDATE integration.batch_lines SET retry_at = %(at)s, tries = %(tries)s
    WHERE batch_id = %(batch_id)s AND position = %(position)s AND outcome IS NULL
    """
OUTCOMES: Final = """
    SELECT position, outcome
    FROM (
        SELECT position, outcome, sum(octet_length(outcome)) OVER ascending AS size,
            row_number() OVER ascending AS number
        FROM (
            SELECT position, outcome FROM integration.batch_lines
            WHERE batch_id = %(batch_id)s AND failed = %(failed)s AND position > %(after)s
            ORDER BY position LIMIT %(limit)s
        ) AS next
        WINDOW ascending AS (ORDER BY position)
    ) AS sized
    WHERE size <= %(bytes)s OR number = 1
    ORDER BY position
    """
REMOVE: Final = "DELETE FROM integration.batch_lines WHERE batch_id = %(batch_id)s"
_AT_ONCE: Final = 100
_BYTES_AT_ONCE: Final = 8_000_000  # or one outcome that has more


class PostgresLines:
    """Lines."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, batch: Batch, lines: Sequence[Line]) -> None:
        """Keep a batch's lines."""
        whose = {"org_id": batch.org_id, "batch_id": batch.id}
        rows = [
            {
                **whose,
                "position": each.position,
                "custom_id": each.custom_id,
                "call_id": each.call_id,
                "body": each.body,
            }
            for each in lines
        ]
        async with self._database.transaction(batch.org_id) as connection, connection.cursor() as cursor:
            await cursor.executemany(ADD.encode(), rows)

    async def waiting(self, batch: Batch, *, after: int, now: datetime, limit: int) -> Sequence[Line]:
        """The first lines behind a position whose calls can be made now."""
        async with self._database.transaction(batch.org_id) as connection:
            rows = await every(connection, WAITING, batch_id=batch.id, after=after, now=now, limit=limit)
        return [Line(**row) for row in rows]

    async def undecided(self, batch: Batch, *, after: int, limit: int) -> Sequence[Line]:
        """Lines without an outcome, behind a position."""
        async with self._database.transaction(batch.org_id) as connection:
            rows = await every(connection, UNDECIDED, batch_id=batch.id, after=after, limit=limit)
        return [Line(**row) for row in rows]

    async def left(self, batch: Batch) -> tuple[int, datetime | None]:
        """How many lines have no outcome, and when the first of those that wait can be tried again."""
        async with self._database.transaction(batch.org_id) as connection:
            row = await one(connection, LEFT, batch_id=batch.id)
        return (row["lines"], row["earliest"]) if row else (0, None)

    async def decide(self, batch: Batch, outcomes: Sequence[tuple[Line, Outcome]]) -> None:
        """Keep outcomes and count them; a line that has one already keeps it."""
        async with self._database.transaction(batch.org_id) as connection:
            new = [outcome for line, outcome in outcomes if await _decided(connection, batch, line, outcome)]
            failed = sum(outcome.failed for outcome in new)
            cost = from_pico(sum(outcome.cost_pico for outcome in new))
            counts = {"completed": len(new) - failed, "failed": failed, "cost": cost, "batch_id": batch.id}
            await connection.execute(COUNT.encode(), counts)

    async def postpone(self, batch: Batch, line: Line, *, at: datetime, tries: int, cost_pico: int = 0) -> None:
        """Try a line again, not before a moment; and count what it was charged until now."""
        values = {"batch_id": batch.id, "position": line.position, "at": at, "tries": tries}
        async with self._database.transaction(batch.org_id) as connection:
            await connection.execute(POSTPONE.encode(), values)
            if cost_pico:
                counts = {"completed": 0, "failed": 0, "cost": from_pico(cost_pico), "batch_id": batch.id}
                await connection.execute(COUNT.encode(), counts)

    async def written(self, batch: Batch, *, failed: bool) -> AsyncIterator[bytes]:
        """The content of the output file, or of the error file, line by line."""
        after = 0
        while True:
            async with self._database.transaction(batch.org_id) as connection:
                wanted: dict[str, Any] = {"failed": failed, "after": after, "limit": _AT_ONCE, "bytes": _BYTES_AT_ONCE}
                rows = await every(connection, OUTCOMES, batch_id=batch.id, **wanted)
            if not rows:
                return
            for row in rows:
                yield row["outcome"].encode() + b"\n"
            after = rows[-1]["position"]

    async def remove(self, org_id: UUID, batch_id: UUID) -> None:
        """Forget the lines of a batch."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute(REMOVE.encode(), {"batch_id": batch_id})


async def _decided(connection: Connection, batch: Batch, line: Line, outcome: Outcome) -> bool:
    values: dict[str, object] = {"position": line.position, "text": outcome.text, "failed": outcome.failed}
    return await one(connection, DECIDE, batch_id=batch.id, **values) is not None
