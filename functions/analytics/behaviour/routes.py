"""Questions about tracked events over HTTP."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from analytics.behaviour import wiring
from analytics.behaviour.listing import CountParameters, CountsOut, EventPage, ListParameters
from analytics.behaviour.schemas import AskFunnel, AskRetention, CohortsOut, FunnelOut, RetentionOut
from analytics.behaviour.service import BehaviourService
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.clock import Clock
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/api/v1/analytics")

type Service = Annotated[BehaviourService, Depends(wiring.behaviour_service)]
type Now = Annotated[Clock, Depends(wiring.clock)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]

_BOUNDS: Final = refusals(
    status_400="The range is empty or has more than 366 days, or more than 1,000,000 events would have to be read, or "
    "the request cannot be read."
)


@router.get("/events", responses=_BOUNDS)
async def list_events(
    parameters: Annotated[ListParameters, Query()], principal: Reader, service: Service, clock: Now
) -> EventPage:
    """List tracked events, the newest first."""
    found = await service.page(parameters.query(principal.org_id, now=clock.now()))
    return EventPage.of(list(found), parameters.limit)


@router.get("/events/counts", responses=_BOUNDS)
async def count_events(
    parameters: Annotated[CountParameters, Query()], principal: Reader, service: Service, clock: Now
) -> CountsOut:
    """Count tracked events by name and interval, and exactly how many people did them."""
    return CountsOut.of(list(await service.counts(parameters.query(principal.org_id, now=clock.now()))))


@router.post("/funnels", responses=_BOUNDS)
async def compute_funnel(body: AskFunnel, principal: Reader, service: Service, clock: Now) -> FunnelOut:
    """Say how far people get, in the order of the steps, and how long they take.

    A person is a `user_id`, else an `anonymous_id`; the two are never taken for one. Of several attempts of somebody
    the one counts that got furthest, and of those the earliest. All steps lie between `from` and `to`.
    """
    return FunnelOut.of(await service.funnel(body.query(principal.org_id, now=clock.now())))


@router.post("/retention", responses=_BOUNDS)
async def compute_retention(body: AskRetention, principal: Reader, service: Service, clock: Now) -> RetentionOut:
    """Say how many people come back, by how many periods after they came first between `from` and `to`."""
    return RetentionOut.of(await service.retention(body.query(principal.org_id, now=clock.now())))


@router.post("/cohorts", responses=_BOUNDS)
async def compute_cohorts(body: AskRetention, principal: Reader, service: Service, clock: Now) -> CohortsOut:
    """Say the same of each period's newcomers by themselves."""
    return CohortsOut.of(await service.retention(body.query(principal.org_id, now=clock.now())))
