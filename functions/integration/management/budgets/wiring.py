"""The use cases of budgets with their adapters."""

from integration.management import wiring as shared
from integration.management.budgets.counters import RedisCounters
from integration.management.budgets.repository import PostgresBudgets, PostgresPlaces
from integration.management.budgets.service import BUDGETS, BudgetService
from llmo_core.clock import SystemClock


async def budget_service() -> BudgetService:
    """The use cases of budgets."""
    database = shared.database()
    return BudgetService(
        budgets=shared.configuring(BUDGETS, PostgresBudgets(database)),
        places=PostgresPlaces(database),
        counters=RedisCounters(shared.redis()),
        clock=SystemClock(),
    )
