"""What an organization sees of its credit notes."""

from uuid import UUID

from billing.credit_notes.models import CreditNote, UnknownCreditNote
from billing.credit_notes.ports import CreditNotes, Documents, Invoices
from billing.invoices.models import UnknownInvoice
from llmo_auth.principal import Principal
from llmo_core.paging import Page


class NoteReader:
    """Shows credit notes."""

    def __init__(self, *, notes: CreditNotes, invoices: Invoices, documents: Documents) -> None:
        self._notes = notes
        self._invoices = invoices
        self._documents = documents

    async def page(
        self, principal: Principal, *, invoice_id: UUID | None, before: UUID | None, limit: int
    ) -> Page[CreditNote]:
        """The organization's notes, of an invoice if one is named, the newest first."""
        found = await self._notes.page(principal.org_id, invoice_id=invoice_id, before=before, limit=limit + 1)
        return Page.of(found, limit)

    async def find(self, principal: Principal, note_id: UUID) -> CreditNote:
        """A note. Raises UnknownCreditNote."""
        found = await self._notes.find(principal.org_id, note_id)
        if found is None:
            raise UnknownCreditNote
        return found

    async def document(self, principal: Principal, note_id: UUID) -> str:
        """Where its PDF can be fetched for a few minutes. Raises UnknownCreditNote."""
        note = await self.find(principal, note_id)
        invoice = await self._invoices.find(note.org_id, note.invoice_id)
        if invoice is None:
            raise UnknownInvoice
        return await self._documents.link(note, invoice)
