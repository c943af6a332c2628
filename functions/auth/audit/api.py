"""The audit log over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from auth.audit import wiring
from auth.audit.models import Acting
from auth.audit.recording import act
from auth.audit.schemas import AuditPageOut, AuditQuery, ExportQuery, Format, to_csv, to_json_lines
from auth.audit.service import AuditService
from auth.http import SignedIn, Where
from llmo_auth.guard import AllowedIn, identified
from llmo_auth.principal import Permission, Principal
from llmo_core.errors import Unauthenticated
from llmo_core.http.documentation import refusals
from llmo_core.paging import cursor_after, entry_before

router = APIRouter(prefix="/api/v1")

type Audit = Annotated[AuditService, Depends(wiring.audit_service)]
type Auditor = Annotated[Principal, Depends(AllowedIn(Permission.AUDIT_READ))]
type Limit = Annotated[int, Query(ge=1, le=100)]

NEXT_CURSOR = "x-llmo-next-cursor"
_EXPORTED = 5_000  # entries of one export; with 1 KB each they stay below what a function may answer (6 MB)
_REFUSED = refusals(
    status_400="The cursor is not one of this API's.",
    status_403="The caller lacks the permission `audit:read`.",
    status_404="The credentials are for another organization.",
)
_EXPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {name: {"schema": {"type": "string"}} for name in ("text/csv", "application/jsonl")},
        "headers": {
            NEXT_CURSOR: {"description": "Asks for the older entries; absent at the end.", "schema": {"type": "string"}}
        },
    }
}


async def acting(request: Request, where: Where) -> None:
    """Tells the audit log who makes the request, and from where; a dependency of every route."""
    try:
        caller = await identified(request)
    except Unauthenticated:
        act(Acting(origin=where))
    else:
        acts = {"actor_type": caller.actor_type, "actor_id": caller.actor_id, "client_id": caller.client_id}
        act(Acting(**acts, origin=where))


@router.get("/orgs/{org_id}/audit-log", responses=_REFUSED)
async def read_audit_log(principal: Auditor, service: Audit, query: Annotated[AuditQuery, Query()]) -> AuditPageOut:
    """Show who did what to what from where, the newest first."""
    page = await service.page(principal, query.wanted(), before=entry_before(query.cursor), limit=query.limit)
    return AuditPageOut.of(page)


@router.get(
    "/orgs/{org_id}/audit-log/export",
    response_class=Response,
    responses=_EXPORT | _REFUSED,
)
async def export_audit_log(principal: Auditor, service: Audit, query: Annotated[ExportQuery, Query()]) -> Response:
    """Export up to 5,000 entries as CSV or as JSON lines, the newest first."""
    page = await service.page(principal, query.wanted(), before=entry_before(query.cursor), limit=_EXPORTED)
    written = to_csv(page.entries) if query.format is Format.CSV else to_json_lines(page.entries)
    media_type = "text/csv; charset=utf-8" if query.format is Format.CSV else "application/jsonl"
    headers = {"content-disposition": f'attachment; filename="audit-log.{query.format}"', "cache-control": "no-store"}
    following = cursor_after(page.last)
    if following is not None:
        headers[NEXT_CURSOR] = following
    return Response(written, media_type=media_type, headers=headers)


@router.get(
    "/me/activity",
    responses=refusals(
        status_400="The cursor is not one of this API's.",
        status_403="An API key is no person.",
    ),
)
async def read_activity(person: SignedIn, service: Audit, cursor: str | None = None, limit: Limit = 50) -> AuditPageOut:
    """Show what happened to the caller's own account, the newest first."""
    return AuditPageOut.of(await service.activity(person, before=entry_before(cursor), limit=limit))
