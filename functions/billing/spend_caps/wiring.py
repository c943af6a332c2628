"""The use cases of spend caps with their adapters."""

from billing import wiring as shared
from billing.spend_caps.repository import PostgresSpendCaps
from billing.spend_caps.service import SpendCapService
from llmo_core.clock import SystemClock


async def spend_cap_service() -> SpendCapService:
    """The use cases of spend caps."""
    return SpendCapService(
        caps=PostgresSpendCaps(shared.database()),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )
