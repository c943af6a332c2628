"""The use case of current usage with its adapters."""

from billing import wiring as shared
from billing.accounts.repository import PostgresAccounts
from billing.current_usage.open_periods import SubscribedPeriods
from billing.current_usage.service import CurrentUsageService
from billing.subscriptions.repository import PostgresSubscriptions
from billing.usage.wiring import counted_usage
from llmo_core.clock import SystemClock


async def current_usage_service() -> CurrentUsageService:
    """The use case of current usage."""
    database = shared.database()
    periods = SubscribedPeriods(subscriptions=PostgresSubscriptions(database), accounts=PostgresAccounts(database))
    return CurrentUsageService(periods=periods, counted=counted_usage(), clock=SystemClock())
