"""What invoice runs have to look at, of all organizations, in PostgreSQL."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from billing.invoices.ports import Billable
from billing.subscriptions.models import Subscription
from llmo_data.postgres import Database, every

_DUE = """
    SELECT org_id, subscription_id FROM billing.subscriptions_to_bill
    WHERE (changed OR bills_at <= %(now)s) AND subscription_id <> ALL(%(besides)s)
    ORDER BY bills_at NULLS FIRST
    LIMIT %(limit)s
    """
_LOOKED_AT = """
    INSERT INTO billing.invoice_schedule (subscription_id, org_id, revision, bills_at)
    VALUES (%(id)s, %(org_id)s, %(revision)s, %(bills_at)s)
    ON CONFLICT (subscription_id) DO UPDATE SET revision = excluded.revision, bills_at = excluded.bills_at
    """
_OVERDUE = """
    SELECT org_id, invoice_id FROM billing.overdue_invoices WHERE due_at < %(now)s ORDER BY due_at LIMIT %(limit)s
    """
_LEFT_DRAFTS = """
    SELECT org_id, invoice_id FROM billing.left_drafts WHERE created_at < %(before)s ORDER BY created_at LIMIT %(limit)s
    """


class PostgresSchedule:
    """When subscriptions are to be looked at again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, *, now: datetime, besides: Collection[UUID], limit: int) -> Sequence[Billable]:
        """At most `limit` of all organizations' subscriptions that have changed, or of which something is due."""
        async with self._database.transaction() as connection:
            found = await every(connection, _DUE, now=now, besides=list(besides), limit=limit)
        return [Billable(row["org_id"], row["subscription_id"]) for row in found]

    async def looked_at(self, subscription: Subscription, *, bills_at: datetime | None) -> None:
        """A subscription was looked at as it is; it is to be looked at again then, or when it has changed."""
        row = {**subscription.model_dump(include={"id", "org_id", "revision"}), "bills_at": bills_at}
        async with self._database.joined(subscription.org_id) as connection:
            await connection.execute(_LOOKED_AT, row)

    async def overdue(self, *, now: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """At most `limit` invoices of all organizations that are overdue and not dunned, by organization and id."""
        async with self._database.transaction() as connection:
            found = await every(connection, _OVERDUE, now=now, limit=limit)
        return [(row["org_id"], row["invoice_id"]) for row in found]

    async def left_drafts(self, *, before: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """At most `limit` drafts of all organizations that were made before, by organization and id."""
        async with self._database.transaction() as connection:
            found = await every(connection, _LEFT_DRAFTS, before=before, limit=limit)
        return [(row["org_id"], row["invoice_id"]) for row in found]
