"""Dunnings over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from billing.callers import OPERATOR, Reader, Writer
from billing.dunning import wiring
from billing.dunning.schemas import DelayDunning, DunningOut, OverdueOut
from billing.dunning.showing import DunningService
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/api/v1/billing")

type Dunnings = Annotated[DunningService, Depends(wiring.dunning_service)]


@router.get("/dunning")
async def read_dunning(principal: Reader, service: Dunnings) -> DunningOut:
    """Show how well the organization is served, what is overdue, and what comes next of that."""
    return DunningOut.of(await service.overview(principal))


@router.get("/accounts/{org_id}/dunning", responses=OPERATOR)
async def read_dunning_of(org_id: UUID, principal: Reader, service: Dunnings) -> DunningOut:
    """Show the same of any organization, as the one that operates the deployment sees it."""
    return DunningOut.of(await service.overview_of(principal, org_id))


@router.post(
    "/accounts/{org_id}/invoices/{invoice_id}/dunning/delay",
    responses=OPERATOR
    | refusals(
        status_404="Nothing is done about an invoice with this id.",
        status_409="No step is to come: the invoice is settled, or the last one is done.",
    ),
)
async def delay_dunning(
    org_id: UUID, invoice_id: UUID, body: DelayDunning, principal: Writer, service: Dunnings
) -> OverdueOut:
    """Let no step come about an invoice before a moment: the customer has promised to pay, say."""
    return OverdueOut.of(await service.delay(principal, org_id, invoice_id, body.until))
