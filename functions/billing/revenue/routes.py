"""Revenue over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from billing.callers import Reader
from billing.revenue import wiring
from billing.revenue.schemas import RevenueMonth, RevenueOut, RevenueQuery, day_of
from billing.revenue.service import RevenueReader
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/api/v1/billing/revenue")

type Revenue = Annotated[RevenueReader, Depends(wiring.revenue_reader)]


@router.get(
    "",
    responses=refusals(
        status_400="So many months are not shown at once, or the last one comes before the first.",
        status_403="The caller lacks `billing:read`, or is not of the organization that operates all this.",
    ),
)
async def read_revenue(principal: Reader, service: Revenue, wanted: Annotated[RevenueQuery, Query()]) -> RevenueOut:
    """Show what came of all customers by months: MRR and how it moved, ARR, churn, ARPA, and what the ledger says.

    Months are those of UTC. A month and currency in which there was nothing are left out. A subscription whose period
    has just ended counts again once what follows is invoiced, which takes an hour or two.
    """
    months = await service.months(principal, first=day_of(wanted.first), last=day_of(wanted.last))
    return RevenueOut(data=[RevenueMonth.of(month) for month in months])
