"""Events of usage over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query

from billing import wiring as shared
from billing.callers import Reader, Reporter
from billing.usage import wiring
from billing.usage.examples import BATCHES, EVENTS
from billing.usage.listing import UsageListing
from billing.usage.reporting import UsageReporting
from billing.usage.schemas import (
    MOST_BYTES,
    EventPage,
    EventQuery,
    ReportedOut,
    ReportedPage,
    ReportEvent,
    ReportEvents,
)
from llmo_auth.idempotent_route import idempotent
from llmo_core.http.body_limits import limited
from llmo_core.http.documentation import refusals

router = APIRouter(
    prefix="/api/v1/billing/usage/events", route_class=limited(MOST_BYTES, idempotent(shared.repeated_requests))
)

type Reporting = Annotated[UsageReporting, Depends(wiring.usage_reporting)]
type Listing = Annotated[UsageListing, Depends(wiring.usage_listing)]

_TOO_LARGE = refusals(status_413="The body has more than 1 MiB.")


@router.get("", responses=refusals(status_400="The cursor is not one of this API's, or `to` is not after `from`."))
async def list_usage_events(principal: Reader, service: Listing, wanted: Annotated[EventQuery, Query()]) -> EventPage:
    """List the organization's events of usage, the latest first: LLM calls, and what it reported itself.

    They are kept for 18 months. What meters count of them can be counted again.
    """
    return EventPage.of(*await service.page(wanted.wanted(principal.org_id)))


@router.post(
    "",
    responses=_TOO_LARGE
    | refusals(
        status_400="No meter counts such events, a meter cannot measure it, or it lies too far back or in the future."
    ),
)
async def report_usage_event(
    body: Annotated[ReportEvent, Body(openapi_examples=EVENTS)], principal: Reporter, service: Reporting
) -> ReportedOut:
    """Report that something was used. An event with an id that was reported before is a `duplicate`, and no error."""
    [reported] = await service.report(principal.org_id, [body.reported()])
    if reported.refusal is not None:
        raise reported.refusal
    return ReportedOut.of(reported)


@router.post("/batch", responses=_TOO_LARGE)
async def report_usage_events(
    body: Annotated[ReportEvents, Body(openapi_examples=BATCHES)], principal: Reporter, service: Reporting
) -> ReportedPage:
    """Report up to 1,000 events. What became of each is in the answer: one that is refused holds up no other."""
    return ReportedPage.of(await service.report(principal.org_id, [event.reported() for event in body.events]))
