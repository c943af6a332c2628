"""The live view of an organization's calls, an ASGI server behind the Lambda Web Adapter.

Unlike the gateway it is an app of FastAPI's, with the guards, errors and OpenAPI document of every other service: a
stream begins once in five minutes.
"""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query

from integration.live import wiring
from integration.live.frames import frame
from integration.live.models import parse_position
from integration.live.service import Watch, Watching
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.cold_starts import CountingApp
from llmo_core.http.app import create_app
from llmo_core.http.documentation import refusals
from llmo_core.http.event_stream import EVENT_STREAM, EventStream
from llmo_core.http.request_context import RequestContext

router = APIRouter(prefix="/api/v1/usage")

type Live = Annotated[Watching, Depends(wiring.watching)]
type UsageReader = Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]

_EXAMPLE: Final = (
    "retry: 1000\nid: 1764220300000-0\n\n"
    'event: usage\nid: 1764220302000-0\ndata: {"model":"gpt-4o-mini","status":"ok","cost_usd":"0.0000195"}\n\n'
    'event: summary\ndata: {"requests":1,"errors":0,"cost_usd":"0.0000195"}\n\n'
)
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The calls, as they are settled.", "content": {EVENT_STREAM: {"example": _EXAMPLE}}},
    **refusals(
        status_404="The organization is closed.",
        status_429="As many watch as may at the same time.",
    ),
}


@router.get("/live", response_class=EventStream, responses=_ANSWERS)
async def live(
    principal: UsageReader,
    watching: Live,
    project_id: Annotated[UUID | None, Query(description="Only this project's calls.")] = None,
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", description="Go on after this event.", examples=["1764220302000-0"])
    ] = None,
) -> EventStream:
    """Watch the organization's calls while they are settled: server-sent events.

    `usage` is one call, without prompt or answer, `summary` what was seen since the stream began (every five seconds,
    when something was), `gap` says that some events after the one before it may be lost, `error` that the stream breaks
    off, and `end` that its five minutes are over, or that the same caller watches five times since: an EventSource
    comes back by itself, and goes on after its last event. Nothing but a comment comes every 15 seconds while nothing
    happens.

    Credentials of a project see that project only.
    """
    watch = await watching.begin(
        principal.org_id,
        actor_id=principal.actor_id,
        own_project=principal.project_id,
        wanted=project_id,
        last_seen=None if last_event_id is None else parse_position(last_event_id),
    )
    return EventStream(_frames(watching, watch), partial(watching.leave, watch))


async def _frames(watching: Watching, watch: Watch) -> AsyncGenerator[bytes]:
    async for message in watching.messages(watch):
        yield frame(message)


app = create_app(
    title="LLMOptimizer live usage",
    prefix="/api/v1/usage",
    routers=[router],
    description="An organization's LLM calls while they are settled.",
)
app.add_middleware(RequestContext)
app.add_middleware(CountingApp)
