"""Prepaid organizations in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from billing.fields import MinorUnits
from billing.prepaid.models import Prepaid
from llmo_core.currencies import Currency
from llmo_data.postgres import Database, every, one

FIND: Final = """
    SELECT org_id, since, counted_usd, limit_usd, announced, revision FROM billing.prepaid WHERE org_id = %(org_id)s
    """
MAKE: Final = "INSERT INTO billing.prepaid (org_id) VALUES (%(org_id)s) ON CONFLICT (org_id) DO NOTHING"
LOCK: Final = FIND + " FOR UPDATE"
CHANGE: Final = """
    UPDATE billing.prepaid
    SET counted_usd = CASE WHEN since IS NOT DISTINCT FROM %(since)s::timestamptz THEN counted_usd ELSE 0 END,
        since = %(since)s, limit_usd = %(limit_usd)s, announced = %(announced)s, revision = %(revision)s,
        looked_at = %(looked_at)s
    WHERE org_id = %(org_id)s
    """
DRAFTED: Final = """
    SELECT coalesce(sum(total), 0)::bigint AS total FROM billing.invoices
    WHERE org_id = %(org_id)s AND currency = %(currency)s AND status = 'draft' AND total > 0
    """
UNBILLED: Final = """
    SELECT subscription.id FROM billing.subscriptions AS subscription
    LEFT JOIN billing.invoice_schedule AS schedule ON schedule.subscription_id = subscription.id
    WHERE subscription.org_id = %(org_id)s AND (
        schedule.subscription_id IS NULL OR schedule.revision <> subscription.revision
        OR schedule.bills_at IS NOT NULL
    )
    ORDER BY subscription.id
    """


class PostgresPrepaid:
    """Which organizations pay in advance."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, org_id: UUID) -> Prepaid:
        """Whether one does; revision 1 before anybody decided."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, FIND, org_id=org_id)
        return Prepaid(**row) if row is not None else Prepaid(org_id=org_id)

    async def locked(self, org_id: UUID) -> Prepaid:
        """The same; until the transaction under way ends nobody changes it, and no calls of it are counted."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute(MAKE, {"org_id": org_id})
            row = await one(connection, LOCK, org_id=org_id)
        return Prepaid(**row) if row is not None else Prepaid(org_id=org_id)

    async def change(self, prepaid: Prepaid, *, looked_at: datetime) -> None:
        """Keep what has changed of it, but for what is counted; that begins anew with `since`."""
        async with self._database.transaction(prepaid.org_id) as connection:
            await connection.execute(CHANGE, prepaid.model_dump() | {"looked_at": looked_at})


class PostgresDrafts:
    """Invoices that have taken no credit yet, and subscriptions that have something for other ones."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def drafted(self, org_id: UUID, currency: Currency) -> MinorUnits:
        """What an organization's drafts come to."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, DRAFTED, org_id=org_id, currency=currency)
        return int(row["total"]) if row is not None else 0

    async def unbilled(self, org_id: UUID) -> Sequence[UUID]:
        """An organization's subscriptions of which something is on no invoice yet, or may be."""
        async with self._database.transaction(org_id) as connection:
            return [row["id"] for row in await every(connection, UNBILLED, org_id=org_id)]
