"""Credit notes over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import RedirectResponse

from billing.callers import CURSOR, OPERATOR, STRIPE, Reader, RequestKey, Writer
from billing.credit_notes import wiring
from billing.credit_notes.examples import CREDIT_NOTE
from billing.credit_notes.operating import NoteOperations
from billing.credit_notes.reading import NoteReader
from billing.credit_notes.schemas import CreditNoteOut, CreditNotePage, CreditNotePreview, IssueCreditNote, NoteQuery
from llmo_core.http.documentation import refusals
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/billing")

type Notes = Annotated[NoteReader, Depends(wiring.note_reader)]
type Operations = Annotated[NoteOperations, Depends(wiring.note_operations)]
type Issued = Annotated[IssueCreditNote, Body(openapi_examples=CREDIT_NOTE)]

_UNKNOWN = refusals(status_404="The organization has no such credit note.")
_REFUSED = OPERATOR | refusals(
    status_400="The invoice has no such line, or the amount cannot be credited of it.",
    status_404="That organization has no such invoice, or it is a draft.",
    status_409="The invoice is void, or less than that is left of it.",
)


@router.get("/credit-notes", responses=CURSOR)
async def list_credit_notes(principal: Reader, service: Notes, wanted: Annotated[NoteQuery, Query()]) -> CreditNotePage:
    """List the organization's credit notes, the newest first."""
    before = entry_before(wanted.cursor)
    page = await service.page(principal, invoice_id=wanted.invoice_id, before=before, limit=wanted.limit)
    return CreditNotePage.of(page)


@router.get("/credit-notes/{note_id}", responses=_UNKNOWN)
async def read_credit_note(note_id: UUID, principal: Reader, service: Notes) -> CreditNoteOut:
    """Show a credit note with its lines."""
    return CreditNoteOut.of(await service.find(principal, note_id))


@router.get(
    "/credit-notes/{note_id}/pdf",
    status_code=HTTPStatus.TEMPORARY_REDIRECT,
    response_class=RedirectResponse,
    responses=_UNKNOWN | refusals(status_503="Documents cannot be kept now."),
)
async def read_credit_note_pdf(note_id: UUID, principal: Reader, service: Notes) -> RedirectResponse:
    """Lead to a credit note's PDF, whose address is good for five minutes."""
    return RedirectResponse(await service.document(principal, note_id), HTTPStatus.TEMPORARY_REDIRECT)


@router.post("/accounts/{org_id}/invoices/{invoice_id}/credit-notes/preview", responses=_REFUSED)
async def preview_credit_note(
    org_id: UUID, invoice_id: UUID, body: Issued, principal: Writer, service: Operations
) -> CreditNotePreview:
    """Show what a credit note would say now, and what would become of its total. Nothing is kept."""
    return CreditNotePreview.of(await service.preview(principal, org_id, invoice_id, body.wanted()))


@router.post(
    "/accounts/{org_id}/invoices/{invoice_id}/credit-notes",
    status_code=HTTPStatus.CREATED,
    responses=_REFUSED | STRIPE,
)
async def issue_credit_note(
    org_id: UUID, invoice_id: UUID, body: Issued, principal: Writer, service: Operations, key: RequestKey = None
) -> CreditNoteOut:
    """Let something of any organization's finalized invoice not be owed, for good.

    It lessens what is still to be paid; the rest becomes credit, or goes back to the card.
    """
    note = await service.issue(principal, org_id, invoice_id, body.wanted(), request_key=key)
    return CreditNoteOut.of(note)
