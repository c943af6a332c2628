"""Limits over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from integration.management import wiring as shared
from integration.management.limits import wiring
from integration.management.limits.schemas import ChangeLimit, CreateLimit, LimitOut, LimitPage
from integration.management.limits.service import LimitService
from llmo_auth.guard import Allowed
from llmo_auth.idempotent_route import idempotent
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/limits", route_class=idempotent(shared.repeated_requests))

type Limits = Annotated[LimitService, Depends(wiring.limit_service)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.BUDGETS_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.BUDGETS_WRITE))]

_UNKNOWN = refusals(status_404="The organization has no limit with this id.")
_NOTHING = "Nothing is limited."


@router.get("", responses=refusals(status_400="The cursor is not one of this API's."))
async def list_limits(principal: Reader, service: Limits, wanted: Wanted) -> LimitPage:
    """List the organization's limits, the newest first."""
    return LimitPage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.CREATED: {**TAGGED}} | refusals(status_400=_NOTHING, status_409="The request is under way."),
)
async def create_limit(body: CreateLimit, principal: Writer, service: Limits, response: Response) -> LimitOut:
    """Set the most calls and tokens. Calls are counted from the next one on."""
    limit = await service.create(principal, body.wanted())
    tag(response, limit.version)
    return LimitOut.of(limit)


@router.get("/{limit_id}", responses={HTTPStatus.OK: {**TAGGED}} | _UNKNOWN)
async def read_limit(limit_id: UUID, principal: Reader, service: Limits, response: Response) -> LimitOut:
    """Show a limit."""
    limit = await service.find(principal, limit_id)
    tag(response, limit.version)
    return LimitOut.of(limit)


@router.patch(
    "/{limit_id}",
    responses={HTTPStatus.OK: {**TAGGED}}
    | _UNKNOWN
    | refusals(status_400=_NOTHING, status_412="The limit has another version than `If-Match` says."),
)
async def change_limit(
    limit_id: UUID, body: ChangeLimit, principal: Writer, service: Limits, response: Response, expected: Expected
) -> LimitOut:
    """Change a limit. The gateway goes by it from the next call on."""
    limit = await service.change(principal, limit_id, body.wanted(), expected=expected)
    tag(response, limit.version)
    return LimitOut.of(limit)


@router.delete("/{limit_id}", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
async def remove_limit(limit_id: UUID, principal: Writer, service: Limits) -> Response:
    """Remove a limit: it keeps nobody waiting from the next call on."""
    await service.remove(principal, limit_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)
