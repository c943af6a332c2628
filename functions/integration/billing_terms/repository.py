"""Terms of billing in PostgreSQL."""

from datetime import datetime
from decimal import Decimal
from typing import Final, LiteralString
from uuid import UUID

from integration.standings import Standing
from llmo_data.postgres import Database

PUT_STANDING: Final = """
    INSERT INTO integration.billing_terms AS kept (org_id, standing, standing_since, standing_revision)
    VALUES (%(org_id)s, %(standing)s, %(since)s, %(revision)s)
    ON CONFLICT (org_id) DO UPDATE SET standing = excluded.standing, standing_since = excluded.standing_since,
        standing_revision = excluded.standing_revision
    WHERE kept.standing_revision < excluded.standing_revision
    """
PUT_SPEND_CAP: Final = """
    INSERT INTO integration.billing_terms AS kept (org_id, spend_cap_usd, spend_cap_revision)
    VALUES (%(org_id)s, %(limit_usd)s, %(revision)s)
    ON CONFLICT (org_id) DO UPDATE SET spend_cap_usd = excluded.spend_cap_usd,
        spend_cap_revision = excluded.spend_cap_revision
    WHERE kept.spend_cap_revision < excluded.spend_cap_revision
    """
PUT_PREPAID: Final = """
    INSERT INTO integration.billing_terms AS kept (org_id, prepaid_limit_usd, prepaid_since, prepaid_revision)
    VALUES (%(org_id)s, %(limit_usd)s, %(since)s, %(revision)s)
    ON CONFLICT (org_id) DO UPDATE SET prepaid_limit_usd = excluded.prepaid_limit_usd,
        prepaid_since = excluded.prepaid_since, prepaid_revision = excluded.prepaid_revision
    WHERE kept.prepaid_revision < excluded.prepaid_revision
    """


class PostgresTerms:
    """What billing has told. Everything raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_standing(self, org_id: UUID, standing: Standing, since: datetime, *, revision: int) -> None:
        """How far an organization may make calls."""
        await self._put(PUT_STANDING, org_id, standing=standing, since=since, revision=revision)

    async def put_spend_cap(self, org_id: UUID, limit_usd: Decimal | None, *, revision: int) -> None:
        """The most that it wants to spend in a month."""
        await self._put(PUT_SPEND_CAP, org_id, limit_usd=limit_usd, revision=revision)

    async def put_prepaid(
        self, org_id: UUID, limit_usd: Decimal | None, since: datetime | None, *, revision: int
    ) -> None:
        """The most that it may spend of what it has paid in advance since then."""
        await self._put(PUT_PREPAID, org_id, limit_usd=limit_usd, since=since, revision=revision)

    async def _put(self, statement: LiteralString, org_id: UUID, **values: object) -> None:
        async with self._database.transaction(org_id) as connection:
            await connection.execute(statement, {"org_id": org_id, **values})
