"""How the platform itself is doing, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from analytics.platform import wiring
from analytics.platform.schemas import PlatformOut, PlatformParameters
from analytics.platform.service import PlatformMetrics
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/api/v1/analytics")

type Metrics = Annotated[PlatformMetrics, Depends(wiring.platform_metrics)]
type UsageReader = Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]


@router.get(
    "/platform",
    responses=refusals(
        status_400="The range is empty, too long, too long ago for its interval, or has too many steps.",
        status_403="The caller lacks `usage:read`, or is not of the organization that operates all this.",
        status_503="CloudWatch does not answer; `Retry-After`.",
    ),
)
async def read_platform(
    parameters: Annotated[PlatformParameters, Query()], principal: UsageReader, service: Metrics
) -> PlatformOut:
    """Show the operator how the platform itself does.

    Of each function: its durations, errors, throttles and cold starts; of each queue: how much waits, and for how long.
    The figures are CloudWatch's, which has them a minute or two late. Percentiles of `totals` are those of all
    invocations of the range, not of its steps.
    """
    interval = None if parameters.interval == "auto" else parameters.interval
    found = await service.within(principal, start=parameters.from_, end=parameters.to, interval=interval)
    return PlatformOut.of(found)
