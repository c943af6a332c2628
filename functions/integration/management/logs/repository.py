"""Contents of calls in PostgreSQL: what projects want kept, and what is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from integration.management.logs.models import ContentLogging, LoggedCall, Looked
from llmo_data.postgres import Database, every, one

# Row-level security limits them to the organization.
PAGE = """
    SELECT org_id, project_id, retention_days, redact, version, updated_by, updated_at
    FROM integration.content_logging
    WHERE removed_at IS NULL AND (%(after)s::uuid IS NULL OR project_id > %(after)s::uuid)
    ORDER BY project_id LIMIT %(limit)s
    """
FIND = """
    SELECT org_id, project_id, retention_days, redact, version, updated_by, updated_at
    FROM integration.content_logging WHERE project_id = %(project_id)s AND removed_at IS NULL
    """
LAST_VERSION = "SELECT version FROM integration.content_logging WHERE project_id = %(project_id)s"
PUT = """
    INSERT INTO integration.content_logging (org_id, project_id, retention_days, redact, version, updated_by,
        updated_at)
    VALUES (%(org_id)s, %(project_id)s, %(retention_days)s, %(redact)s, %(version)s, %(updated_by)s, %(updated_at)s)
    ON CONFLICT (org_id, project_id) DO UPDATE
        SET retention_days = excluded.retention_days, redact = excluded.redact, version = excluded.version,
            updated_by = excluded.updated_by, updated_at = excluded.updated_at, removed_at = NULL
    """
REMOVE = "UPDATE integration.content_logging SET removed_at = %(at)s WHERE project_id = %(project_id)s"
CALLS = """
    SELECT id, org_id, project_id, key_id, request_id, endpoint, model, status, http_status, end_user, started_at,
        retention_days, redacted, expires_at
    FROM integration.call_contents
    WHERE erased_at IS NULL AND expires_at > %(now)s
        AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
        AND (%(project_id)s::uuid IS NULL OR project_id = %(project_id)s::uuid)
        AND (%(key_id)s::uuid IS NULL OR key_id = %(key_id)s::uuid)
        AND (%(request_id)s::text IS NULL OR request_id = %(request_id)s::text)
        AND (%(model)s::text IS NULL OR model = %(model)s::text)
        AND (%(status)s::text IS NULL OR status = %(status)s::text)
        AND (%(end_user)s::text IS NULL OR end_user = %(end_user)s::text)
        AND (%(since)s::timestamptz IS NULL OR started_at >= %(since)s::timestamptz)
        AND (%(until)s::timestamptz IS NULL OR started_at < %(until)s::timestamptz)
    ORDER BY id DESC LIMIT %(limit)s
    """
CALL = """
    SELECT id, org_id, project_id, key_id, request_id, endpoint, model, status, http_status, end_user, started_at,
        retention_days, redacted, expires_at
    FROM integration.call_contents
    WHERE id = %(id)s AND erased_at IS NULL AND expires_at > %(now)s
    """
ERASE = "UPDATE integration.call_contents SET erased_at = %(at)s WHERE id = ANY(%(ids)s) AND erased_at IS NULL"


class PostgresLoggings:
    """What projects want kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, org_id: UUID, *, after: UUID | None, limit: int) -> Sequence[ContentLogging]:
        """At most `limit` of them, ordered by their projects' ids, behind the one of the project `after`."""
        async with self._database.transaction(org_id) as connection:
            return [ContentLogging(**row) for row in await every(connection, PAGE, after=after, limit=limit)]

    async def find(self, org_id: UUID, project_id: UUID) -> ContentLogging | None:
        """What a project wants kept; None when it wants nothing."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, FIND, project_id=project_id)
        return ContentLogging(**row) if row is not None else None

    async def last_version(self, org_id: UUID, project_id: UUID) -> int:
        """The latest version that there ever was; 0 of none."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, LAST_VERSION, project_id=project_id)
        return int(row["version"]) if row is not None else 0

    async def put(self, logging: ContentLogging) -> None:
        """Keep what a project wants, in place of what it wanted."""
        row = {**logging.model_dump(), "redact": sorted(logging.redact)}
        async with self._database.transaction(logging.org_id) as connection:
            await connection.execute(PUT.encode(), row)

    async def remove(self, logging: ContentLogging, *, at: datetime) -> None:
        """Mark it as removed."""
        async with self._database.transaction(logging.org_id) as connection:
            await connection.execute(REMOVE.encode(), {"project_id": logging.project_id, "at": at})


class PostgresLoggedCalls:
    """Calls whose contents are kept, without those that have expired or were erased."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, org_id: UUID, looked: Looked, *, now: datetime, before: UUID | None, limit: int
    ) -> Sequence[LoggedCall]:
        """At most `limit` of them, the newest first, that are older than the one with the id `before`."""
        wanted: dict[str, Any] = {**looked.model_dump(), "now": now, "before": before, "limit": limit}
        async with self._database.transaction(org_id) as connection:
            return [LoggedCall(**row) for row in await every(connection, CALLS, **wanted)]

    async def find(self, org_id: UUID, call_id: UUID, *, now: datetime) -> LoggedCall | None:
        """One of them."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, CALL, id=call_id, now=now)
        return LoggedCall(**row) if row is not None else None

    async def erase(self, org_id: UUID, call_ids: Sequence[UUID], *, at: datetime) -> None:
        """Mark some as erased."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute(ERASE.encode(), {"ids": list(call_ids), "at": at})
