"""Invoices over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import RedirectResponse

from billing import wiring as shared
from billing.callers import CURSOR, OPERATOR, STRIPE, Reader, Writer
from billing.invoices import wiring
from billing.invoices.collecting import CollectingService
from billing.invoices.csv_lines import csv_of
from billing.invoices.operating import InvoiceOperations
from billing.invoices.reading import InvoiceReader
from billing.invoices.schemas import InvoiceOut, InvoicePage, InvoiceQuery, PayInvoice
from billing.invoicing.breakdown import Breakdown
from billing.payments.schemas import PaymentOut
from llmo_auth.idempotent_route import idempotent
from llmo_core.http.documentation import refusals
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/billing", route_class=idempotent(shared.repeated_requests))
# What is done in another organization is not a part of the caller's transaction, which repeated requests are kept in.
operator_router = APIRouter(prefix="/api/v1/billing")

type Invoices = Annotated[InvoiceReader, Depends(wiring.invoice_reader)]
type Operations = Annotated[InvoiceOperations, Depends(wiring.invoice_operations)]
type Collecting = Annotated[CollectingService, Depends(wiring.collecting_service)]
type Listed = Annotated[InvoiceQuery, Query()]

_UNKNOWN = refusals(status_404="The organization has no such invoice.")
_UNKNOWN_THERE = refusals(status_404="That organization has no such invoice, or it is a draft.")
_FINAL = refusals(status_409="The invoice is not in a status from which it gets there.")


@router.get("/invoices", responses=CURSOR)
async def list_invoices(principal: Reader, service: Invoices, wanted: Listed) -> InvoicePage:
    """List the organization's invoices, the newest first."""
    before = entry_before(wanted.cursor)
    return InvoicePage.of(await service.page(principal, statuses=wanted.status, before=before, limit=wanted.limit))


@router.post(
    "/invoices/preview", responses=refusals(status_404="The organization subscribes to nothing that will be invoiced.")
)
async def preview_invoice(principal: Reader, service: Invoices) -> Breakdown:
    """Show the next invoice as it would be if nothing more was used until its period ends. Nothing is kept."""
    return await service.upcoming(principal)


@router.get("/invoices/{invoice_id}", responses=_UNKNOWN)
async def read_invoice(invoice_id: UUID, principal: Reader, service: Invoices) -> InvoiceOut:
    """Show an invoice with its lines."""
    return InvoiceOut.of(await service.find(principal, invoice_id))


@router.get("/invoices/{invoice_id}/breakdown", responses=_UNKNOWN)
async def read_breakdown(invoice_id: UUID, principal: Reader, service: Invoices) -> Breakdown:
    """Show everything that an invoice's amounts follow from, by which anybody can recompute them."""
    return (await service.find(principal, invoice_id)).breakdown


@router.get(
    "/invoices/{invoice_id}/csv",
    responses={HTTPStatus.OK: {"description": "The lines, with a heading.", "content": {"text/csv": {}}}} | _UNKNOWN,
    response_class=Response,
)
async def read_csv(invoice_id: UUID, principal: Reader, service: Invoices) -> Response:
    """Show an invoice's lines as a table, with amounts in units of the currency."""
    invoice = await service.find(principal, invoice_id)
    name = {"content-disposition": f'attachment; filename="{invoice.number or "draft"}.csv"'}
    return Response(csv_of(invoice), media_type="text/csv; charset=utf-8", headers=name)


@router.get(
    "/invoices/{invoice_id}/pdf",
    status_code=HTTPStatus.TEMPORARY_REDIRECT,
    response_class=RedirectResponse,
    responses=_UNKNOWN | refusals(status_409="The invoice is a draft.", status_503="Documents cannot be kept now."),
)
async def read_pdf(invoice_id: UUID, principal: Reader, service: Invoices) -> RedirectResponse:
    """Lead to an invoice's PDF, whose address is good for five minutes."""
    return RedirectResponse(await service.document(principal, invoice_id), HTTPStatus.TEMPORARY_REDIRECT)


@router.post(
    "/invoices/{invoice_id}/payments",
    status_code=HTTPStatus.CREATED,
    responses=STRIPE
    | refusals(
        status_400="What is left to pay cannot be charged in this currency.",
        status_404="The organization has no such invoice, or it is a draft, or it has no such payment method.",
        status_409="Nothing is left to pay, a payment is under way, or there is no payment method.",
    ),
)
async def pay_invoice(invoice_id: UUID, body: PayInvoice, principal: Writer, service: Collecting) -> PaymentOut:
    """Pay what is left of an invoice. It is `pending` at first; `GET /payments/{id}` says what came of it."""
    payment = await service.pay(principal.org_id, invoice_id, method_id=body.payment_method_id)
    return PaymentOut.of(payment)


@operator_router.get("/accounts/{org_id}/invoices", responses=OPERATOR | CURSOR)
async def list_invoices_of(org_id: UUID, principal: Reader, service: Operations, wanted: Listed) -> InvoicePage:
    """List an organization's invoices, as the one that operates the deployment sees them."""
    before = entry_before(wanted.cursor)
    return InvoicePage.of(
        await service.page(principal, org_id, statuses=wanted.status, before=before, limit=wanted.limit)
    )


@operator_router.post("/accounts/{org_id}/invoices/{invoice_id}/void", responses=OPERATOR | _UNKNOWN_THERE | _FINAL)
async def void_invoice(org_id: UUID, invoice_id: UUID, principal: Writer, service: Operations) -> InvoiceOut:
    """Let nothing be owed after all. The invoice keeps its number, and credit that it took is given back."""
    return InvoiceOut.of(await service.void(principal, org_id, invoice_id))


@operator_router.post("/accounts/{org_id}/invoices/{invoice_id}/give-up", responses=OPERATOR | _UNKNOWN_THERE | _FINAL)
async def give_up_invoice(org_id: UUID, invoice_id: UUID, principal: Writer, service: Operations) -> InvoiceOut:
    """Expect nothing more of what is left to pay: the invoice is uncollectible. It may be paid after all."""
    return InvoiceOut.of(await service.give_up(principal, org_id, invoice_id))
