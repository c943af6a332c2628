"""Contents of calls over HTTP."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from integration.management.logs import wiring
from integration.management.logs.models import ContentLogging
from integration.management.logs.schemas import (
    ContentLoggingOut,
    ContentLoggingPage,
    Erased,
    ErasureQuery,
    LogPage,
    LogQuery,
    LogWithContents,
    PutContentLogging,
)
from integration.management.logs.service import LoggingService, LogService
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/logs")

type Loggings = Annotated[LoggingService, Depends(wiring.logging_service)]
type Logs = Annotated[LogService, Depends(wiring.log_service)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.LOGS_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.LOGS_WRITE))]

_NOT_KEPT = refusals(status_404="No contents of this project's calls are kept.")
_UNKNOWN = refusals(status_404="No contents are kept of such a call.")
_FOUND: dict[int | str, dict[str, Any]] = {HTTPStatus.OK: {**TAGGED}} | _NOT_KEPT
_PUT: dict[int | str, dict[str, Any]] = {
    HTTPStatus.OK: {**TAGGED},
    HTTPStatus.CREATED: {**TAGGED, "model": ContentLoggingOut, "description": "Nothing was kept before."},
} | refusals(
    status_404="You are bound to another project.",
    status_412="It has another version than `If-Match` says, or there is none.",
)


@router.get("/settings", responses=refusals(status_400="The cursor is not one of this API's."))
async def list_content_logging(principal: Reader, service: Loggings, wanted: Wanted) -> ContentLoggingPage:
    """List the projects that want contents of their calls kept: without their wish nothing is."""
    page = await service.page(principal, after=entry_before(wanted.cursor), limit=wanted.limit)
    return ContentLoggingPage.of(page)


@router.get("/settings/{project_id}", responses=_FOUND)
async def read_content_logging(
    project_id: UUID, principal: Reader, service: Loggings, response: Response
) -> ContentLoggingOut:
    """Show what a project wants kept of its calls."""
    return _shown(await service.find(principal, project_id), response)


@router.put("/settings/{project_id}", responses=_PUT)
async def put_content_logging(
    project_id: UUID,
    body: PutContentLogging,
    principal: Writer,
    service: Loggings,
    response: Response,
    expected: Expected,
) -> ContentLoggingOut:
    """Keep requests and answers of a project's calls from the next one on."""
    logging, new = await service.put(principal, project_id, body.wanted(), expected=expected)
    return _shown(logging, response, new=new)


@router.delete("/settings/{project_id}", status_code=HTTPStatus.NO_CONTENT, responses=_NOT_KEPT)
async def remove_content_logging(project_id: UUID, principal: Writer, service: Loggings) -> Response:
    """Keep nothing of a project's calls from the next one on. What is kept stays until its time is over."""
    await service.remove(principal, project_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("", responses=refusals(status_400="The cursor is not one of this API's."))
async def list_logs(principal: Reader, service: Logs, wanted: Annotated[LogQuery, Query()]) -> LogPage:
    """List calls whose contents are kept, the newest first."""
    page = await service.page(principal, wanted.looked(), before=entry_before(wanted.cursor), limit=wanted.limit)
    return LogPage.of(page)


@router.delete("")
async def erase_logs(principal: Writer, service: Logs, wanted: Annotated[ErasureQuery, Query()]) -> Erased:
    """Erase the contents of at most a hundred calls, such as those of an end user. Repeat it while there are more."""
    erased, more = await service.erase_all(principal, wanted.looked())
    return Erased(erased=erased, more=more)


@router.get("/{log_id}", responses=_UNKNOWN)
async def read_log(log_id: UUID, principal: Reader, service: Logs) -> LogWithContents:
    """Show what was said in a call."""
    return LogWithContents.with_contents(*await service.read(principal, log_id))


@router.delete("/{log_id}", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
async def erase_log(log_id: UUID, principal: Writer, service: Logs) -> Response:
    """Erase what was said in a call."""
    await service.erase(principal, log_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _shown(logging: ContentLogging, response: Response, *, new: bool = False) -> ContentLoggingOut:
    tag(response, logging.version)
    if new:
        response.status_code = HTTPStatus.CREATED
    return ContentLoggingOut.of(logging)
