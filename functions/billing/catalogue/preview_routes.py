"""Previews over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends

from billing.callers import Reader
from billing.catalogue import wiring
from billing.catalogue.preview_schemas import PreviewPlan
from billing.catalogue.previews import PreviewService
from billing.invoicing.breakdown import Breakdown
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/api/v1/billing/plans")

type Previews = Annotated[PreviewService, Depends(wiring.preview_service)]


@router.post(
    "/preview",
    responses=refusals(
        status_400="The quantity of a meter is missing, or what it comes to is more than can be billed.",
        status_404="There is no plan with this id that the caller may see, or it has no such version.",
    ),
)
async def preview_plan(body: PreviewPlan, principal: Reader, service: Previews) -> Breakdown:
    """Show what a whole period of a plan would cost, with everything that it is computed from. Nothing is kept.

    Amounts of lines are in minor units of the currency, such as cents; those of components are exact, in units of it.
    """
    return await service.preview(principal, body.wanted())
