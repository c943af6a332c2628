"""The use cases of credit notes with their adapters."""

from billing import wiring as shared
from billing.credit_notes.archive import NoteArchive
from billing.credit_notes.issuing import IssuingService
from billing.credit_notes.operating import NoteOperations
from billing.credit_notes.paying_back import InvoiceBackings, PayingBack
from billing.credit_notes.reading import NoteReader
from billing.credit_notes.repository import PostgresCreditNotes
from billing.invoices.repository import PostgresInvoices
from billing.invoices.wiring import archive, settling_service
from billing.ledger.repository import PostgresLedger
from billing.payments.repository import PostgresDisputes, PostgresPayments, PostgresRefunds
from billing.payments.wiring import refunding
from billing.wallets.reversing import Reversal
from billing.wallets.wiring import organizations_credit, reversal_of
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


def _paying_back() -> PayingBack:
    database = shared.database()
    return PayingBack(
        payments=PostgresPayments(database),
        refunds=PostgresRefunds(database),
        disputes=PostgresDisputes(database),
        ledger=PostgresLedger(database, new_id),
        giving_back=refunding,
        clock=SystemClock(),
        new_id=new_id,
    )


def issuing_service() -> IssuingService:
    """The use case of credit notes."""
    return IssuingService(
        notes=PostgresCreditNotes(shared.database()),
        invoices=PostgresInvoices(shared.database()),
        deducting=settling_service(),
        paying_back=_paying_back(),
        credits_=organizations_credit(),
        ledger=PostgresLedger(shared.database(), new_id),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )


async def note_operations() -> NoteOperations:
    """What the operator does with credit notes."""
    return NoteOperations(issuing=issuing_service(), operator=shared.operator())


async def note_reader() -> NoteReader:
    """What organizations see of their credit notes."""
    return NoteReader(
        notes=PostgresCreditNotes(shared.database()),
        invoices=PostgresInvoices(shared.database()),
        documents=NoteArchive(archive()),
    )


def invoice_reversal() -> Reversal:
    """What comes of money that goes back which paid for invoices."""
    backings = InvoiceBackings(
        invoices=PostgresInvoices(shared.database()),
        notes=PostgresCreditNotes(shared.database()),
        paying_back=_paying_back(),
    )
    return reversal_of(backings)
