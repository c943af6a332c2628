"""The use cases of invoices with their adapters."""

from collections.abc import Callable
from datetime import timedelta

from billing import wiring as shared
from billing.accounts.repository import PostgresAccounts
from billing.invoices.archive import Archive, InvoiceArchive
from billing.invoices.collecting import CollectingService, InvoiceSettlement
from billing.invoices.drafting import DraftingService
from billing.invoices.finalizing import FinalizingService
from billing.invoices.operating import InvoiceOperations
from billing.invoices.overdue import OverdueInvoices
from billing.invoices.ports import Settled
from billing.invoices.rating import Rating
from billing.invoices.reading import InvoiceReader
from billing.invoices.repository import PostgresClaims, PostgresInvoices
from billing.invoices.running import InvoiceRun
from billing.invoices.schedule_repository import PostgresSchedule
from billing.invoices.settling import SettlingService
from billing.invoices.withdrawing import WithdrawingService
from billing.ledger.repository import PostgresLedger
from billing.payments.wiring import charging
from billing.settings import InvoiceSettings
from billing.subscriptions.repository import PostgresSubscriptions
from billing.usage.wiring import counted_usage
from billing.wallets.wiring import organizations_credit
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data.objects import Objects


@shared.once
def _settings() -> InvoiceSettings:
    return InvoiceSettings.model_validate({})


@shared.once
def archive() -> Archive:
    """Where documents are kept."""
    return Archive(Objects(_settings().documents_bucket, "application/pdf"))


def drafting_service() -> DraftingService:
    """The use case of drafts."""
    return DraftingService(
        subscriptions=PostgresSubscriptions(shared.database()),
        rating=Rating(
            accounts=PostgresAccounts(shared.database()),
            counted=counted_usage(),
            claimed=PostgresClaims(shared.database()),
            grace=timedelta(minutes=_settings().invoice_grace_minutes),
        ),
        invoices=PostgresInvoices(shared.database()),
        claimed=PostgresClaims(shared.database()),
        schedule=PostgresSchedule(shared.database()),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )


def finalizing_service() -> FinalizingService:
    """The use case of drafts that become final."""
    return FinalizingService(
        invoices=PostgresInvoices(shared.database()),
        accounts=PostgresAccounts(shared.database()),
        credits_=organizations_credit(),
        ledger=PostgresLedger(shared.database(), new_id),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
        operator_id=shared.operator_id(),
        terms=timedelta(days=_settings().invoice_terms_days),
    )


_TOLD: list[Callable[[], Settled]] = []


def tell_when_settled(told: Callable[[], Settled]) -> None:
    """Say who is told of invoices that are settled: this area does not know what is done about the others."""
    _TOLD[:] = [told]


def settling_service() -> SettlingService:
    """The use cases of what becomes of invoices. Raises LookupError where nobody was connected (`settlements`)."""
    if not _TOLD:
        raise LookupError("nobody is told of invoices that are settled: see billing.settlements")
    return SettlingService(
        invoices=PostgresInvoices(shared.database()),
        credits_=organizations_credit(),
        ledger=PostgresLedger(shared.database(), new_id),
        withdrawals=WithdrawingService(charging),
        told=_TOLD[0](),
        events=shared.events(),
        transaction=shared.database().transaction,
        after_commit=shared.database().after_commit,
        clock=SystemClock(),
        new_id=new_id,
    )


async def invoice_reader() -> InvoiceReader:
    """What organizations see of their invoices."""
    return InvoiceReader(
        invoices=PostgresInvoices(shared.database()),
        drafting=drafting_service(),
        subscriptions=PostgresSubscriptions(shared.database()),
        credits_=organizations_credit(),
        documents=InvoiceArchive(archive()),
        clock=SystemClock(),
    )


async def invoice_operations() -> InvoiceOperations:
    """What the operator does with invoices."""
    return InvoiceOperations(
        invoices=PostgresInvoices(shared.database()), settling=settling_service(), operator=shared.operator()
    )


def invoice_run() -> InvoiceRun:
    """The invoice run."""
    return InvoiceRun(
        schedule=PostgresSchedule(shared.database()),
        drafting=drafting_service(),
        finalizing=finalizing_service(),
        clock=SystemClock(),
    )


def overdue_invoices() -> OverdueInvoices:
    """What announces invoices that nobody paid in time."""
    return OverdueInvoices(
        schedule=PostgresSchedule(shared.database()),
        invoices=PostgresInvoices(shared.database()),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )


async def collecting_service() -> CollectingService:
    """What charges payment methods for invoices."""
    return CollectingService(invoices=PostgresInvoices(shared.database()), charging=await charging())


def invoice_settlement() -> InvoiceSettlement:
    """What comes of payments for invoices."""
    return InvoiceSettlement(settling=settling_service(), events=shared.events())
