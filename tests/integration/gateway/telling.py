"""What billing tells the gateway, as its consumer takes it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal

from redis.asyncio import Redis

from integration.billing_terms.events import (
    PrepaidLimitChanged,
    ServiceRestored,
    ServiceRestricted,
    ServiceSuspended,
    SpendCapChanged,
)
from integration.billing_terms.repository import PostgresTerms
from integration.billing_terms.service import BillingTerms, Told
from integration.configuration_changes import Changes
from llmo_core.ids import new_id, new_id_text
from llmo_data import redis as redis_client
from llmo_data.postgres import Database
from tests.integration.organizations import Org
from tests.integration.stores import Postgres

SINCE = datetime(2026, 11, 1, tzinfo=UTC)


class Billing:
    """Billing, that tells of an organization, each time with the next revision."""

    def __init__(self, terms: BillingTerms, org: Org) -> None:
        self._terms = terms
        self._org = org
        self._revision = 0

    async def tell(self, *told: Told) -> None:
        """Tell these, in this order."""
        for each in told:
            await self._terms.take(self._org.org_id, each)

    def restricted(self, revision: int | None = None) -> ServiceRestricted:
        """That an invoice is overdue."""
        return ServiceRestricted(
            revision=revision or self._next(), invoice_id=new_id(), since=SINCE, reason="payment_overdue"
        )

    def suspended(self, revision: int | None = None) -> ServiceSuspended:
        """That it is for long."""
        return ServiceSuspended(
            revision=revision or self._next(), invoice_id=new_id(), since=SINCE, reason="payment_overdue"
        )

    def restored(self, revision: int | None = None) -> ServiceRestored:
        """That nothing is."""
        return ServiceRestored(revision=revision or self._next(), since=SINCE)

    def cap(self, limit_usd: str | None, revision: int | None = None) -> SpendCapChanged:
        """The most to be spent in a month."""
        return SpendCapChanged(revision=revision or self._next(), limit_usd=_dollars(limit_usd))

    def prepaid(self, limit_usd: str | None, *, since: datetime = SINCE) -> PrepaidLimitChanged:
        """The most to be spent since then."""
        return PrepaidLimitChanged(revision=self._next(), limit_usd=_dollars(limit_usd), since=since)

    def _next(self) -> int:
        self._revision += 1
        return self._revision


def _dollars(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@asynccontextmanager
async def billing_terms(postgres: Postgres, redis_url: str) -> AsyncIterator[BillingTerms]:
    """The use case, on these stores."""
    database = Database(postgres.conninfo("llmo_integration"), max_connections=4)
    redis: Redis = redis_client.connect(redis_url)
    changes = Changes(database=database, redis=redis, new_version=new_id_text)
    yield BillingTerms(terms=PostgresTerms(database), change=changes.change)
    await redis.aclose()
    await database.close()
