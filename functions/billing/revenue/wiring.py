"""Revenue with its adapters."""

from billing import wiring as shared
from billing.revenue.repository import PostgresRevenue
from billing.revenue.service import RevenueReader
from llmo_core.clock import SystemClock


async def revenue_reader() -> RevenueReader:
    """What the operator sees of revenue."""
    return RevenueReader(revenue=PostgresRevenue(shared.database()), operator=shared.operator(), clock=SystemClock())
