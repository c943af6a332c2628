"""Which flows wait, in PostgreSQL."""

from uuid import UUID

from billing.flows.models import Subject, WaitingFlow
from llmo_data.postgres import Database, one

_KEEP = """
    INSERT INTO billing.waiting_flows (org_id, kind, subject_id, token, since)
    VALUES (%(org_id)s, %(kind)s, %(subject_id)s, %(token)s, %(since)s)
    ON CONFLICT (org_id, kind, subject_id) DO UPDATE SET token = excluded.token, since = excluded.since
    """
_ONE = """
    SELECT * FROM billing.waiting_flows
    WHERE org_id = %(org_id)s AND kind = %(kind)s AND subject_id = %(subject_id)s
    """
_FORGET = """
    DELETE FROM billing.waiting_flows
    WHERE org_id = %(org_id)s AND kind = %(kind)s AND subject_id = %(subject_id)s AND token = %(token)s
    """


class PostgresWaitingFlows:
    """Flows that wait: one of each subject."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, waiting: WaitingFlow) -> None:
        """Note a flow that waits, in place of the one before."""
        async with self._database.transaction(waiting.org_id) as connection:
            await connection.execute(_KEEP, _row(waiting))

    async def find(self, org_id: UUID, subject: Subject) -> WaitingFlow | None:
        """The flow that waits for a subject's end."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, _ONE, org_id=org_id, kind=subject.kind.value, subject_id=subject.id)
        if row is None:
            return None
        return WaitingFlow(org_id=org_id, subject=subject, token=row["token"], since=row["since"])

    async def forget(self, waiting: WaitingFlow) -> None:
        """Let a flow wait no more, unless it waits with another token by now."""
        async with self._database.transaction(waiting.org_id) as connection:
            await connection.execute(_FORGET, _row(waiting))


def _row(waiting: WaitingFlow) -> dict[str, object]:
    return {
        "org_id": waiting.org_id,
        "kind": waiting.subject.kind.value,
        "subject_id": waiting.subject.id,
        "token": waiting.token,
        "since": waiting.since,
    }
