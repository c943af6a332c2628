"""The use case of entitlements with its adapters."""

from billing.entitlements.service import EntitlementService
from billing.subscriptions.wiring import subscription_service
from billing.usage.wiring import counted_usage


async def entitlement_service() -> EntitlementService:
    """The use case of entitlements."""
    return EntitlementService(subscriptions=await subscription_service(), usage=counted_usage())
