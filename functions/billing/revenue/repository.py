"""Revenue in PostgreSQL: sums over all organizations, which functions there make, and of single ones nothing."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from billing.ledger.bookings import Account, Kind
from billing.revenue.models import Booked, Movement
from llmo_core.currencies import Currency
from llmo_data.postgres import Database, every

_MOVEMENTS: Final = "SELECT * FROM billing.recurring_by_month(%(months)s::date[], %(now)s)"
_BOOKED: Final = "SELECT * FROM billing.ledger_by_month(%(months)s::date[], %(now)s)"


class PostgresRevenue:
    """See the port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def movements(self, months: Sequence[date], *, now: datetime) -> Mapping[tuple[date, Currency], Movement]:
        """See the port."""
        async with self._database.transaction() as connection:
            rows = await every(connection, _MOVEMENTS, months=list(months), now=now)
        return {
            (row["month"], Currency(row["currency"])): Movement(**{name: row[name] for name in Movement.model_fields})
            for row in rows
        }

    async def booked(
        self, months: Sequence[date], *, now: datetime
    ) -> Mapping[tuple[date, Currency], Sequence[Booked]]:
        """See the port."""
        async with self._database.transaction() as connection:
            rows = await every(connection, _BOOKED, months=list(months), now=now)
        found: dict[tuple[date, Currency], list[Booked]] = {}
        for row in rows:
            booked = Booked(Kind(row["kind"]), Account(row["account"]), row["until_then"], row["in_month"])
            found.setdefault((row["month"], Currency(row["currency"])), []).append(booked)
        return found
