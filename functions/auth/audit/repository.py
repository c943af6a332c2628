"""The audit log in PostgreSQL."""

from uuid import UUID

from psycopg.types.json import Jsonb

from auth.audit.models import AuditEntry, AuditFilter, AuditPage
from auth.rows import name_in
from llmo_data.postgres import Connection, Database, insert

SELECT_ENTRIES = """
    SELECT id, org_id, subject_id, occurred_at, actor_type, actor_id, client_id, action, target_id, details,
        host(ip) AS ip, user_agent
    FROM auth.audit_log
    """
SELECT_OF_ORGANIZATION = f"""{SELECT_ENTRIES}
    WHERE org_id = %(org_id)s
        AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
        AND (%(action)s::text IS NULL OR action = %(action)s OR starts_with(action, %(action)s || '.'))
        AND (%(actor_id)s::uuid IS NULL OR actor_id = %(actor_id)s)
        AND (%(target_id)s::uuid IS NULL OR target_id = %(target_id)s)
        AND (%(since)s::timestamptz IS NULL OR occurred_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR occurred_at < %(until)s)
    ORDER BY id DESC
    LIMIT %(limit)s
    """
SELECT_OF_PERSON = f"""{SELECT_ENTRIES}
    WHERE subject_id = %(user_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    ORDER BY id DESC
    LIMIT %(limit)s
    """


class PostgresAuditLog:
    """Entries, limited to the organization or the person that they belong to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entry: AuditEntry) -> None:
        """Keep an entry in the transaction under way."""
        async with self._database.transaction(entry.org_id) as connection:
            row = entry.model_dump() | {"details": Jsonb(dict(entry.details))}
            await connection.execute(*insert("auth.audit_log", row))

    async def of_organization(self, org_id: UUID, wanted: AuditFilter, *, before: UUID | None, limit: int) -> AuditPage:
        """At most `limit` entries of an organization, the newest first, that are older than the entry `before`."""
        parameters = {**wanted.model_dump(), "org_id": org_id, "before": before}
        async with self._database.transaction(org_id) as connection:
            return await _page(connection, SELECT_OF_ORGANIZATION, parameters, limit)

    async def of_person(self, user_id: UUID, *, before: UUID | None, limit: int) -> AuditPage:
        """The same of a person, whatever organization they were in."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", user_id)
            return await _page(connection, SELECT_OF_PERSON, {"user_id": user_id, "before": before}, limit)


async def _page(connection: Connection, statement: str, parameters: dict[str, object], limit: int) -> AuditPage:
    rows = await (await connection.execute(statement.encode(), {**parameters, "limit": limit + 1})).fetchall()
    entries = [AuditEntry(**row) for row in rows[:limit]]
    return AuditPage(entries=entries, last=entries[-1].id if len(rows) > limit else None)
