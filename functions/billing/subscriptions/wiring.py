"""The use cases of subscriptions with their adapters."""

from billing import wiring as shared
from billing.accounts.wiring import account_service
from billing.catalogue.wiring import plan_service
from billing.subscriptions.repository import PostgresSubscriptions
from billing.subscriptions.service import SubscriptionService
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


async def subscription_service() -> SubscriptionService:
    """The use cases of subscriptions."""
    return SubscriptionService(
        subscriptions=PostgresSubscriptions(shared.database()),
        plans=await plan_service(),
        accounts=await account_service(),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )
