"""Hours that were not what such hours are."""

from datetime import UTC, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from analytics.anomalies import wiring
from analytics.anomalies.ports import Anomalies
from analytics.anomalies.schemas import AnomaliesOut, AnomalyOut, AnomalyParameters
from analytics.models import EmptyRange
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.clock import Clock

router = APIRouter(prefix="/api/v1/analytics")

type Kept = Annotated[Anomalies, Depends(wiring.anomalies)]
type Now = Annotated[Clock, Depends(wiring.clock)]
type UsageReader = Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]

_DEFAULT: Final = timedelta(days=30)
_MOST: Final = 500


@router.get("/anomalies")
async def list_anomalies(
    parameters: Annotated[AnomalyParameters, Query()], principal: UsageReader, kept: Kept, clock: Now
) -> AnomaliesOut:
    """Hours whose requests, cost, error rate or latency lay far from the same hour of the last six weeks.

    Each hour (UTC) is looked at once, when it is over, and once there are three weeks to compare it with; one that
    could not be is looked at within a day. Who may change budgets is told of it, and whoever subscribes to the webhook
    event `anomaly.detected`. In the weeks after clocks were changed, an hour is compared with what was another one by
    them.
    """
    end = (parameters.to or clock.now()).astimezone(UTC)
    start = (parameters.from_ or end - _DEFAULT).astimezone(UTC)
    if start >= end:
        raise EmptyRange
    found = await kept.between(principal.org_id, start, end, limit=_MOST)
    return AnomaliesOut(data=[AnomalyOut.of(each) for each in found])
