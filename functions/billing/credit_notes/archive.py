"""Credit notes as they are printed, kept in S3: made once, when somebody asks for the first time."""

from billing.credit_notes.models import CreditNote
from billing.invoices.archive import Archive
from billing.invoices.models import Invoice


class NoteArchive:
    """The documents of credit notes."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def link(self, note: CreditNote, invoice: Invoice) -> str:
        """Where a note's PDF can be fetched for five minutes. Raises ObjectsUnavailable."""
        key = f"credit-notes/{note.org_id}/{note.id}.pdf"
        return await self._archive.link(key, note.number, lambda: _printed(note, invoice))


def _printed(note: CreditNote, invoice: Invoice) -> bytes:
    from billing.credit_notes.pdf import pdf_of  # noqa: PLC0415 - most of a second, which most processes never spend

    return pdf_of(note, invoice)
