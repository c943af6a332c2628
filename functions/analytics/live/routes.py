"""What calls of the last minute come to, and the month for monitoring."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response

from analytics.live import exposition_wiring, wiring
from analytics.live.exposition import MEDIA_TYPE, Exposition
from analytics.live.schemas import CountersOut
from analytics.live.service import LastMinute
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal

router = APIRouter(prefix="/api/v1/analytics")

type Minute = Annotated[LastMinute, Depends(wiring.last_minute)]
type Exposed = Annotated[Exposition, Depends(exposition_wiring.exposition)]
type UsageReader = Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]

_TEXT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Prometheus' text format.",
        "content": {
            MEDIA_TYPE: {"example": 'llmo_requests_total{model="gpt-4o-mini",provider="openai",status="ok"} 12.0\n'}
        },
    }
}


@router.get("/counters")
async def counters(principal: UsageReader, last_minute: Minute) -> CountersOut:
    """What the organization's calls come to that began in the last minute and have ended.

    `/live` says it again whenever it changes.
    """
    return CountersOut.of(await last_minute.counters(principal.org_id))


@router.get("/metrics", response_class=Response, responses=_TEXT)
async def metrics(principal: UsageReader, exposition: Exposed) -> Response:
    """The organization's calls of the calendar month, for Prometheus and what speaks its format.

    Counters begin again with each month (UTC), as those of a process do when it restarts. Scrape with a key that has
    `usage:read` as the bearer token.
    """
    return Response(await exposition.text(principal.org_id), media_type=MEDIA_TYPE)
