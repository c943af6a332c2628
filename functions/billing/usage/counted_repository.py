"""What meters have counted, from PostgreSQL: in one statement for any number of them."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Final
from uuid import UUID

from billing.periods import Period
from billing.pricing.metered import UnknownMeter
from billing.usage.models import Counted
from billing.usage.slots import require_boundary
from llmo_data.postgres import Database, every

# Values are told apart by PostgreSQL, so that a period of many thousands is one number.
QUANTITIES: Final = """
    SELECT meter.code, CASE meter.definition ->> 'aggregation'
        WHEN 'sum' THEN coalesce(counted.total, 0)
        WHEN 'count' THEN coalesce(counted.events, 0)
        WHEN 'max' THEN coalesce(counted.largest, 0)
        WHEN 'unique' THEN met.different
        END AS quantity, meter.definition ->> 'aggregation' AS aggregation
    FROM billing.meters AS meter
    CROSS JOIN LATERAL (
        SELECT sum(total) AS total, sum(events) AS events, max(largest) AS largest FROM billing.usage_counts
        WHERE meter.definition ->> 'aggregation' <> 'unique'
            AND org_id = %(org_id)s AND meter_id = meter.id AND slot >= %(start)s AND slot < %(end)s
    ) AS counted
    CROSS JOIN LATERAL (
        SELECT count(*) AS different FROM (
            SELECT DISTINCT value FROM billing.usage_values
            WHERE meter.definition ->> 'aggregation' = 'unique'
                AND org_id = %(org_id)s AND meter_id = meter.id AND slot >= %(start)s AND slot < %(end)s
        ) AS met_once
    ) AS met
    WHERE meter.org_id = %(operator_id)s AND meter.code = ANY(%(codes)s)
    """


class PostgresCountedUsage:
    """What meters have counted.

    Args:
        operator_id: Whose meters they are; None where nobody has any.
    """

    def __init__(self, database: Database, *, operator_id: UUID | None) -> None:
        self._database = database
        self._operator_id = operator_id

    async def counted(self, org_id: UUID, codes: Collection[str], period: Period) -> Mapping[str, Counted]:
        """What each of these meters counted in a period, by its code, with how it counts.

        Raises UnknownMeter, BetweenSlots.
        """
        require_boundary(period.start)
        require_boundary(period.end)
        wanted = sorted(set(codes))
        whose = {"org_id": org_id, "operator_id": self._operator_id, "codes": wanted}
        async with self._database.joined(org_id) as connection:
            rows = await every(connection, QUANTITIES, **whose, start=period.start, end=period.end)
        found = {row["code"]: Counted(aggregation=row["aggregation"], quantity=row["quantity"]) for row in rows}
        for code in wanted:
            if code not in found:
                raise UnknownMeter(f"There is no meter with the code `{code}`.")
        return found

    async def quantities(self, org_id: UUID, codes: Collection[str], period: Period) -> Mapping[str, Decimal]:
        """The quantities alone: 0 of a meter that counted nothing."""
        return {code: count.quantity for code, count in (await self.counted(org_id, codes, period)).items()}

    async def quantity(self, org_id: UUID, code: str, period: Period) -> Decimal:
        """The same of one meter."""
        return (await self.quantities(org_id, [code], period))[code]
