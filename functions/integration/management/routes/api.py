"""Routes over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from integration.management import wiring as shared
from integration.management.routes import wiring
from integration.management.routes.schemas import ChangeRoute, CreateRoute, RouteOut, RoutePage
from integration.management.routes.service import RouteService
from llmo_auth.guard import Allowed
from llmo_auth.idempotent_route import idempotent
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/routes", route_class=idempotent(shared.repeated_requests))

type Routes = Annotated[RouteService, Depends(wiring.route_service)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.MODELS_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.MODELS_WRITE))]

_UNKNOWN = refusals(status_404="The organization has no route with this id.")
_UNFITTING = "A target is a route, or is named after no provider, or has an id that the route does not know."
_TAKEN = "A model or a route of the organization has this name, or routes have a target of this name"


@router.get("", responses=refusals(status_400="The cursor is not one of this API's."))
async def list_routes(principal: Reader, service: Routes, wanted: Wanted) -> RoutePage:
    """List the organization's routes, the newest first."""
    return RoutePage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.CREATED: {**TAGGED}}
    | refusals(status_400=_UNFITTING, status_409=f"{_TAKEN}, or the request is under way."),
)
async def create_route(body: CreateRoute, principal: Writer, service: Routes, response: Response) -> RouteOut:
    """Set up a route: a name that stands for several models."""
    route = await service.create(principal, body.wanted())
    tag(response, route.version)
    return RouteOut.of(route)


@router.get("/{route_id}", responses={HTTPStatus.OK: {**TAGGED}} | _UNKNOWN)
async def read_route(route_id: UUID, principal: Reader, service: Routes, response: Response) -> RouteOut:
    """Show a route."""
    route = await service.find(principal, route_id)
    tag(response, route.version)
    return RouteOut.of(route)


@router.patch(
    "/{route_id}",
    responses={HTTPStatus.OK: {**TAGGED}}
    | _UNKNOWN
    | refusals(
        status_400=_UNFITTING,
        status_409=f"{_TAKEN}.",
        status_412="The route has another version than `If-Match` says.",
    ),
)
async def change_route(
    route_id: UUID, body: ChangeRoute, principal: Writer, service: Routes, response: Response, expected: Expected
) -> RouteOut:
    """Change a route. The gateway goes by it from the next call on."""
    route = await service.change(principal, route_id, body.wanted(), expected=expected)
    tag(response, route.version)
    return RouteOut.of(route)


@router.delete("/{route_id}", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
async def remove_route(route_id: UUID, principal: Writer, service: Routes) -> Response:
    """Remove a route: calls that name it are refused from the next one on."""
    await service.remove(principal, route_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)
