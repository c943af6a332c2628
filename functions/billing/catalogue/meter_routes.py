"""Meters over HTTP."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path

from billing import wiring as shared
from billing.callers import CURSOR, OPERATOR, Reader, Writer
from billing.catalogue import wiring
from billing.catalogue.examples import METERS
from billing.catalogue.meters import MeterService
from billing.catalogue.schemas import MeterOut, MeterPage
from billing.metering.meters import Meter
from llmo_auth.idempotent_route import idempotent
from llmo_core.http.documentation import refusals
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/billing/meters", route_class=idempotent(shared.repeated_requests))

type Meters = Annotated[MeterService, Depends(wiring.meter_service)]
type MeterCode = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$", examples=["tokens"])]

_TAKEN = "A meter has this code, or the request is under way."


@router.get("", responses=CURSOR)
async def list_meters(principal: Reader, service: Meters, wanted: Wanted) -> MeterPage:
    """List what is counted of usage, the newest first."""
    return MeterPage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.post("", status_code=HTTPStatus.CREATED, responses=OPERATOR | refusals(status_409=_TAKEN))
async def create_meter(
    body: Annotated[Meter, Body(openapi_examples=METERS)], principal: Writer, service: Meters
) -> MeterOut:
    """Make a meter, which never changes: plans say by its code what they charge for."""
    return MeterOut.of(await service.create(principal, body))


@router.get("/{code}", responses=refusals(status_404="There is no meter with this code."))
async def read_meter(code: MeterCode, principal: Reader, service: Meters) -> MeterOut:
    """Show a meter."""
    return MeterOut.of(await service.find(principal, code))
