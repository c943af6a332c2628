"""The live view of an organization's last minute, an ASGI server behind the Lambda Web Adapter."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends

from analytics.live import wiring
from analytics.live.frames import frame
from analytics.live.service import Watching
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.cold_starts import CountingApp
from llmo_core.http.app import create_app
from llmo_core.http.documentation import refusals
from llmo_core.http.event_stream import EVENT_STREAM, EventStream
from llmo_core.http.request_context import RequestContext

router = APIRouter(prefix="/api/v1/analytics")

type Live = Annotated[Watching, Depends(wiring.watching)]
type UsageReader = Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]

_EXAMPLE: Final = (
    'event: counters\ndata: {"at":"2026-08-17T10:15:30Z","seconds":60,"totals":{"requests":12,"cost_usd":"0.0041"},'
    '"models":[{"model":"gpt-4o-mini","values":{"requests":12,"cost_usd":"0.0041"}}]}\n\n'
)
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The last minute, again and again.", "content": {EVENT_STREAM: {"example": _EXAMPLE}}},
    **refusals(status_429="As many of the organization watch as may: a fifth of all there may be, at most twenty."),
}


@router.get("/live", response_class=EventStream, responses=_ANSWERS)
async def live(principal: UsageReader, watching: Live) -> EventStream:
    """Watch what the organization's calls of the last minute come to: server-sent events.

    `counters` are its calls in all and by model, every two seconds when they have changed, `error` says that the stream
    breaks off, and `end` that its five minutes are over: an EventSource comes back by itself. Nothing but a comment
    comes every 15 seconds while nothing changes. `GET /api/v1/analytics/counters` answers the same once.
    """
    watcher = await watching.begin(principal.org_id)
    return EventStream(_frames(watching, principal.org_id), partial(watching.leave, watcher))


async def _frames(watching: Watching, org_id: UUID) -> AsyncGenerator[bytes]:
    async for message in watching.messages(org_id):
        yield frame(message)


app = create_app(
    title="LLMOptimizer live analytics",
    prefix="/api/v1/analytics/live",
    routers=[router],
    description="What an organization's calls of the last minute come to, while they come.",
)
app.add_middleware(RequestContext)
app.add_middleware(CountingApp)
