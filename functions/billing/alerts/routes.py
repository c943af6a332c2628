"""Alerts over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Response

from billing import wiring as shared
from billing.alerts import wiring
from billing.alerts.schemas import (
    EXAMPLES,
    AlertOut,
    AlertPage,
    AlertWithCrossingsOut,
    ChangeAlert,
    CreateAlert,
    made_of,
)
from billing.alerts.service import AlertService
from billing.callers import CURSOR, Reader, Writer
from llmo_auth.idempotent_route import idempotent
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/billing/alerts", route_class=idempotent(shared.repeated_requests))

type Alerts = Annotated[AlertService, Depends(wiring.alert_service)]

_UNKNOWN = refusals(status_404="The organization has no such alert.")
_UNFITTING = "The limit, percentages or thresholds make no sense for what it looks at"


@router.get("", responses=CURSOR)
async def list_alerts(principal: Reader, service: Alerts, wanted: Wanted) -> AlertPage:
    """List the organization's alerts, the newest first."""
    return AlertPage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.CREATED: {**TAGGED}}
    | refusals(
        status_400=f"{_UNFITTING}, or the subscription is billed in another currency.",
        status_404="There is no such meter, or no such wallet.",
        status_409="The organization has 50 alerts, or the request is under way.",
    ),
)
async def create_alert(
    body: Annotated[CreateAlert, Body(openapi_examples=EXAMPLES)],
    principal: Writer,
    service: Alerts,
    response: Response,
) -> AlertOut:
    """Ask to be told when spending, usage, a wallet's balance or the projected bill comes to some values.

    Each value is told of once in a period, about a minute after it was crossed, as the event
    `llmo.billing.alert.crossed` (webhooks: `billing_alert.crossed`); that of a balance again when it has been above
    meanwhile.
    """
    alert = await service.create(principal, made_of(body))
    tag(response, alert.revision)
    return AlertOut.of(alert)


@router.get("/{alert_id}", responses={HTTPStatus.OK: {**TAGGED}} | _UNKNOWN)
async def read_alert(alert_id: UUID, principal: Reader, service: Alerts, response: Response) -> AlertWithCrossingsOut:
    """Show an alert with what was crossed when."""
    alert, crossings = await service.find(principal, alert_id)
    tag(response, alert.revision)
    return AlertWithCrossingsOut.with_crossings(alert, crossings)


@router.patch(
    "/{alert_id}",
    responses={HTTPStatus.OK: {**TAGGED}}
    | _UNKNOWN
    | refusals(status_400=f"{_UNFITTING}.", status_412="The alert has another revision than `If-Match` says."),
)
async def change_alert(
    alert_id: UUID, body: ChangeAlert, principal: Writer, service: Alerts, response: Response, expected: Expected
) -> AlertOut:
    """Change an alert's name, limit, percentages or thresholds."""
    alert = await service.change(principal, alert_id, body, expected=expected)
    tag(response, alert.revision)
    return AlertOut.of(alert)


@router.delete("/{alert_id}", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
async def remove_alert(alert_id: UUID, principal: Writer, service: Alerts) -> None:
    """Remove an alert."""
    await service.remove(principal, alert_id)
