"""Exports of raw events."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from analytics.exports import wiring
from analytics.exports.schemas import ExportIn, ExportOut, ExportPageOut
from analytics.exports.service import ExportService
from analytics.idempotent_creation import Creating, creation_responses, said
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals
from llmo_core.http.page_query import Wanted
from llmo_core.paging import moment_before

router = APIRouter(prefix="/api/v1/analytics")

type Exports = Annotated[ExportService, Depends(wiring.export_service)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]

_NOT_FOUND = refusals(status_404="The organization has no export with this id.")


@router.post(
    "/exports",
    status_code=202,
    responses={
        **creation_responses(202),
        **refusals(status_429="Five exports are under way already; see `Retry-After`."),
    },
)
async def request_export(
    body: ExportIn, principal: Reader, creating: Creating, exports: Exports, response: Response
) -> ExportOut:
    """Have raw events written to files, in the background.

    Like `GET /usage` this is a right over the whole organization. Files have 50,000 events at most, or as many as
    take 32 MiB; a larger export has several, each whole by itself. Costs are exact: those of a range add up to what
    `GET /usage` says of it, for as long as single calls are kept (90 days, unless this deployment says otherwise);
    after that only what they add up to is left. Who exported what stays in the list for a year.
    """
    made = await exports.request(principal, body.order(), creating)
    return ExportOut.of(said(made, response))


@router.get("/exports")
async def list_exports(wanted: Wanted, principal: Reader, exports: Exports) -> ExportPageOut:
    """List the organization's exports, the latest first: who took what out of the platform, in the last year."""
    page = await exports.page(principal.org_id, before=moment_before(wanted.cursor), limit=wanted.limit)
    return ExportPageOut.of(page)


@router.get("/exports/{export_id}", responses=_NOT_FOUND)
async def show_export(export_id: UUID, principal: Reader, exports: Exports) -> ExportOut:
    """Show how far an export is, and where its files can be fetched for the next 55 minutes."""
    export, downloads = await exports.show(principal.org_id, export_id)
    return ExportOut.of(export, downloads)


@router.delete(
    "/exports/{export_id}", responses={**_NOT_FOUND, **refusals(status_409="The export is not under way any more.")}
)
async def cancel_export(export_id: UUID, principal: Reader, exports: Exports) -> ExportOut:
    """Stop an export; safe to repeat. What was written is not shown to anybody, and is deleted within eight days."""
    return ExportOut.of(await exports.cancel(principal.org_id, export_id))
