"""The use cases of changes that are paid for first, with their adapters."""

from datetime import timedelta
from typing import Final

from billing import wiring as shared
from billing.invoices.wiring import drafting_service
from billing.paid_changes.applying import PaidChangeSteps
from billing.paid_changes.repository import PostgresPaidChanges
from billing.paid_changes.requesting import PaidChangeService
from billing.payments.wiring import charging
from billing.subscriptions.keeping import Keeping
from billing.subscriptions.repository import PostgresSubscriptions
from billing.subscriptions.wiring import subscription_service
from billing.wallets.repository import PostgresTopUps
from billing.wallets.wiring import organizations_credit, top_up_service
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id

PAID_WITHIN: Final = timedelta(hours=1)
"""How long a change may take to be paid: somebody who has to authenticate sits at a screen."""


async def paid_change_service() -> PaidChangeService:
    """What takes requests for changes, and shows them."""
    return PaidChangeService(
        changes=PostgresPaidChanges(shared.database()),
        subscriptions=await subscription_service(),
        billing=drafting_service(),
        credits_=organizations_credit(),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
        within=PAID_WITHIN,
    )


async def paid_change_steps() -> PaidChangeSteps:
    """What charges for changes, and applies them."""
    subscriptions = PostgresSubscriptions(shared.database())
    return PaidChangeSteps(
        changes=PostgresPaidChanges(shared.database()),
        subscriptions=subscriptions,
        keeping=Keeping(subscriptions=subscriptions, events=shared.events()),
        requests=await top_up_service(),
        top_ups=PostgresTopUps(shared.database()),
        cashier=charging,
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )
