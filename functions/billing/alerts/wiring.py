"""The use cases of alerts with their adapters."""

from billing import wiring as shared
from billing.alerts.readings import KnownSpending
from billing.alerts.repository import PostgresAlerts
from billing.alerts.service import AlertService
from billing.current_usage.wiring import current_usage_service
from billing.usage.wiring import counted_usage
from billing.wallets.repository import PostgresWallets
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


async def known_spending() -> KnownSpending:
    """What organizations have spent, used and left."""
    return KnownSpending(
        current_usage=await current_usage_service(),
        counted=counted_usage(),
        wallets=PostgresWallets(shared.database()),
        clock=SystemClock(),
    )


async def alert_service() -> AlertService:
    """The use cases of alerts."""
    return AlertService(
        alerts=PostgresAlerts(shared.database()),
        readings=await known_spending(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )
