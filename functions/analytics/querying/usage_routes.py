"""What LLM calls used."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from analytics.querying import wiring
from analytics.usage.schemas import UsageParameters, UsageReportOut
from analytics.usage.service import UsageReports
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.clock import Clock

router = APIRouter(prefix="/api/v1/analytics")

type Reports = Annotated[UsageReports, Depends(wiring.usage_reports)]
type Now = Annotated[Clock, Depends(wiring.clock)]
type UsageReader = Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]


@router.get("/usage", response_model_exclude_unset=True)
async def usage(
    parameters: Annotated[UsageParameters, Query()], principal: UsageReader, reports: Reports, clock: Now
) -> UsageReportOut:
    """Sum up the organization's LLM calls: requests, tokens, cost, savings, errors and latencies.

    `usage:read` is a right over the whole organization, also for a key that belongs to one project: without it (as
    keys are made, unless asked otherwise) nothing is shown, with it every project is.
    """
    query = parameters.query(principal.org_id, now=clock.now())
    return UsageReportOut.of(query, await reports.report(query))
