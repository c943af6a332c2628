"""Payments and refunds over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from billing.callers import CURSOR, OPERATOR, STRIPE, Reader, RequestKey, Writer
from billing.payments import wiring
from billing.payments.refunding import Refunding
from billing.payments.schemas import CreateRefund, PaymentDetailsOut, PaymentPage, RefundOut
from billing.payments.showing import PaymentService
from llmo_core.http.documentation import refusals
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/billing/payments")

type Payments = Annotated[PaymentService, Depends(wiring.payment_service)]
type Refunds = Annotated[Refunding, Depends(wiring.refunding)]


@router.get("", responses=CURSOR | STRIPE)
async def list_payments(principal: Reader, service: Payments, wanted: Wanted) -> PaymentPage:
    """List the payments for invoices and top-ups, the newest first."""
    return PaymentPage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.get("/{payment_id}", responses=STRIPE | refusals(status_404="There is no payment with this id."))
async def read_payment(payment_id: UUID, principal: Reader, service: Payments) -> PaymentDetailsOut:
    """Show a payment with its refunds and disputes, and what the customer authenticates it with."""
    return PaymentDetailsOut.showing(await service.find(principal, payment_id))


@router.post(
    "/{payment_id}/refunds",
    status_code=HTTPStatus.CREATED,
    responses=OPERATOR
    | STRIPE
    | refusals(
        status_404="There is no payment with this id.",
        status_409="The payment has not succeeded, or less than that is left of it: what was spent of credit is not.",
    ),
)
async def create_refund(
    payment_id: UUID, body: CreateRefund, principal: Writer, service: Refunds, key: RequestKey = None
) -> RefundOut:
    """Give back a payment of any organization's, or a part of it. It may be pending for days."""
    refund = await service.refund(principal, payment_id, amount=body.amount, reason=body.reason, request_key=key)
    return RefundOut.of(refund)
