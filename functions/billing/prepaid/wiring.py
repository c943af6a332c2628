"""The use cases of prepaid organizations with their adapters."""

from datetime import timedelta
from uuid import UUID

from billing import wiring as shared
from billing.accounts.repository import PostgresAccounts
from billing.invoices.drafting import DraftingService
from billing.invoices.rating import Rating
from billing.invoices.repository import PostgresClaims, PostgresInvoices
from billing.invoices.schedule_repository import PostgresSchedule
from billing.prepaid.debts import KnownDebts
from billing.prepaid.repository import PostgresDrafts, PostgresPrepaid
from billing.prepaid.service import PrepaidLimits, PrepaidService
from billing.subscriptions.repository import PostgresSubscriptions
from billing.usage.wiring import counted_usage
from billing.wallets.repository import PostgresWallets
from llmo_core.clock import SystemClock
from llmo_core.errors import Invalid
from llmo_core.ids import new_id
from llmo_core.observability import logger
from llmo_data.outbox import Outbox


def prepaid_limits(events: Outbox) -> PrepaidLimits:
    """What keeps limits what credit is worth."""
    database = shared.database()
    drafting = DraftingService(
        subscriptions=PostgresSubscriptions(database),
        rating=Rating(
            accounts=PostgresAccounts(database),
            counted=counted_usage(),
            claimed=PostgresClaims(database),
            grace=timedelta(),  # when something is due makes no difference to what is owed
        ),
        invoices=PostgresInvoices(database),
        claimed=PostgresClaims(database),
        schedule=PostgresSchedule(database),
        events=events,
        transaction=database.transaction,
        clock=SystemClock(),
        new_id=new_id,
    )
    return PrepaidLimits(
        organizations=PostgresPrepaid(database),
        debts=KnownDebts(
            subscriptions=PostgresSubscriptions(database),
            accounts=PostgresAccounts(database),
            drafting=drafting,
            drafts=PostgresDrafts(database),
        ),
        wallets=PostgresWallets(database),
        events=events,
        transaction=database.transaction,
        clock=SystemClock(),
    )


async def prepaid_service() -> PrepaidService:
    """What the operator decides, and organizations see."""
    return PrepaidService(
        organizations=PostgresPrepaid(shared.database()),
        limits=prepaid_limits(shared.events()),
        operator=shared.operator(),
    )


async def credit_changed(org_id: UUID) -> None:
    """Keep an organization's limit what its credit is worth, in the transaction that changes that.

    Credit that was paid for is granted even where what is owed cannot be computed: the limit waits for the next look.
    """
    try:
        await prepaid_limits(shared.events()).refresh(org_id)
    except Invalid as error:
        logger().error("a prepaid limit waits", extra={"org_id": str(org_id), "reason": error.code})
