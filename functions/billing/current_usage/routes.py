"""Current usage over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends

from billing.callers import Reader
from billing.current_usage import wiring
from billing.current_usage.models import CurrentUsage
from billing.current_usage.service import CurrentUsageService
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/api/v1/billing/usage")

type Service = Annotated[CurrentUsageService, Depends(wiring.current_usage_service)]


@router.get(
    "/current",
    responses=refusals(
        status_400="What it comes to is more than can be billed.",
        status_404="No period is under way: `reason` is `not_subscribed`, `trialing` or `paused`.",
    ),
)
async def read_current_usage(principal: Reader, service: Service) -> CurrentUsage:
    """Show what the organization's period has come to so far, and what it will, line by line as its invoice.

    Amounts of lines are in minor units of the currency, such as cents; those of components are exact, in units of it.
    """
    return await service.read(principal.org_id)
