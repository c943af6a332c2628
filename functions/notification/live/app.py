"""The live view of inboxes, an ASGI server behind the Lambda Web Adapter."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header

from llmo_auth.guard import signed_in
from llmo_auth.principal import Person
from llmo_core.cold_starts import CountingApp
from llmo_core.http.app import create_app
from llmo_core.http.event_stream import EVENT_STREAM, EventStream
from llmo_core.http.request_context import RequestContext
from notification.inbox.models import Whose
from notification.live import wiring
from notification.live.frames import frame
from notification.live.models import parse_position
from notification.live.service import Watch, WatchingInboxes

router = APIRouter(prefix="/api/v1/inbox")

type Live = Annotated[WatchingInboxes, Depends(wiring.watching)]
type Me = Annotated[Person, Depends(signed_in)]

_EXAMPLE: Final = (
    "retry: 1000\nid: 1764220300000-0\n\n"
    'event: item\nid: 1764220302000-0\ndata: {"category":"budgets","title":"80 % of a budget are spent"}\n\n'
)
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "What comes into the inbox.", "content": {EVENT_STREAM: {"example": _EXAMPLE}}},
}


@router.get("/live", response_class=EventStream, responses=_ANSWERS)
async def live(
    person: Me,
    watching: Live,
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", description="Go on after this event.", examples=["1764220302000-0"])
    ] = None,
) -> EventStream:
    """Watch the caller's inbox: server-sent events.

    `item` is something that came into it, of the token's organization or about the caller, `gap` says that some before
    may be lost, and that the inbox is to be read again, `error` that the stream breaks off, and `end` that its five
    minutes are over, or that the same person watches five times since: an EventSource comes back by itself, and goes on
    after its last event. Nothing but a comment comes every 15 seconds while nothing happens.
    """
    last_seen = None if last_event_id is None else parse_position(last_event_id)
    watch = await watching.begin(Whose.of(person), last_seen=last_seen)
    return EventStream(_frames(watching, watch), partial(watching.leave, watch))


async def _frames(watching: WatchingInboxes, watch: Watch) -> AsyncGenerator[bytes]:
    async for message in watching.messages(watch):
        yield frame(message)


app = create_app(
    title="LLMOptimizer live inbox",
    prefix="/api/v1/inbox/live",
    routers=[router],
    description="What comes into the caller's inbox, at once.",
)
app.add_middleware(RequestContext)
app.add_middleware(CountingApp)
