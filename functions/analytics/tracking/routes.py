"""Events over HTTP."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends

from analytics.tracking import wiring
from analytics.tracking.models import GivenEvent, Result, Sender
from analytics.tracking.schemas import (
    MOST_BATCH_BYTES,
    MOST_BYTES,
    BatchResultOut,
    EventResultOut,
    TrackBatch,
    TrackEvent,
)
from analytics.tracking.service import TrackingService
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.http.body_limits import limited
from llmo_core.http.documentation import refusals

_PREFIX: Final = "/api/v1/analytics/events"
router = APIRouter(prefix=_PREFIX, route_class=limited(MOST_BYTES))
batches = APIRouter(prefix=_PREFIX, route_class=limited(MOST_BATCH_BYTES))

type Tracking = Annotated[TrackingService, Depends(wiring.tracking_service)]
type EventWriter = Annotated[Principal, Depends(Allowed(Permission.EVENTS_WRITE))]

_TOO_LARGE: Final = refusals(
    status_413="The body is too large.",
    status_429="The key may stand in web pages, and sends more than one of those may in a minute; `Retry-After`.",
)


@router.post(
    "",
    response_model_exclude_none=True,
    responses=_TOO_LARGE
    | refusals(
        status_400="The event is older than 7 days, or ahead of our clock, or does not fit the schema of its name, or "
        "the body cannot be read."
    ),
)
async def track_event(body: TrackEvent, principal: EventWriter, service: Tracking) -> EventResultOut:
    """Track an event. The same `id` again is the same event, and changes nothing.

    A key whose only permission is `events:write` is one that browsers may hold: it can append events, and do nothing
    else. Properties are any JSON object of at most 100 keys, 4 levels and 32 KiB; texts have at most 8 KiB.
    """
    return EventResultOut.of(await service.track_one(Sender.of(principal), body.given()))


@batches.post("/batch", response_model_exclude_none=True, responses=_TOO_LARGE)
async def track_events(body: TrackBatch, principal: EventWriter, service: Tracking) -> BatchResultOut:
    """Track up to 1,000 events, and learn what became of each; those that are invalid keep no other from being kept."""
    read = body.read()
    tracked = iter(await service.track(Sender.of(principal), [each for each in read if isinstance(each, GivenEvent)]))
    return BatchResultOut.of([each if isinstance(each, Result) else next(tracked) for each in read])
