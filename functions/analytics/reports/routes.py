"""Reports over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from analytics.idempotent_creation import Creating, creation_responses, said
from analytics.reports import wiring
from analytics.reports.run_schemas import RunIn, RunOut, RunPageOut
from analytics.reports.schemas import ReportChange, ReportIn, ReportOut, ReportPageOut
from analytics.reports.service import ReportService
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import moment_before

router = APIRouter(prefix="/api/v1/analytics/reports")

type Service = Annotated[ReportService, Depends(wiring.report_service)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.REPORTS_WRITE))]

_UNKNOWN = refusals(status_404="The organization has no report with this id that you may see.")
_NO_RUN = refusals(status_404="There is no such run, or no such report that you may see.")
_NOT_YOURS = refusals(status_403="The caller lacks `reports:write`, or makes private what somebody else made.")
_STALE = refusals(status_412="The report has another version than `If-Match` says.")
_CREATED = creation_responses(HTTPStatus.CREATED)
_ACCEPTED = creation_responses(HTTPStatus.ACCEPTED)


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={
        **_CREATED,
        HTTPStatus.CREATED: {"headers": {**_CREATED[HTTPStatus.CREATED]["headers"], **TAGGED["headers"]}},
        **refusals(status_409="The organization has 200 reports."),
    },
)
async def create_report(
    body: ReportIn, principal: Writer, creating: Creating, service: Service, response: Response
) -> ReportOut:
    """Save a question, how its answer is shown, and who is mailed it when.

    A private report is seen by whoever made it, and ends when they leave the organization; any other one is seen by
    all who may read usage. On its schedule a report is run once for each moment, and once for all that were missed.
    """
    report = said(await service.create(principal, body.definition(), creating), response)
    tag(response, report.version)
    return ReportOut.of(report)


@router.get("")
async def list_reports(wanted: Wanted, principal: Reader, service: Service) -> ReportPageOut:
    """List the organization's reports and your own, the latest first."""
    return ReportPageOut.of(await service.page(principal, before=moment_before(wanted.cursor), limit=wanted.limit))


@router.get("/{report_id}", responses={HTTPStatus.OK: {**TAGGED}, **_UNKNOWN})
async def show_report(report_id: UUID, principal: Reader, service: Service, response: Response) -> ReportOut:
    """Show a report."""
    report = await service.show(principal, report_id)
    tag(response, report.version)
    return ReportOut.of(report)


@router.patch("/{report_id}", responses={HTTPStatus.OK: {**TAGGED}, **_NOT_YOURS, **_UNKNOWN, **_STALE})
async def change_report(
    report_id: UUID, body: ReportChange, principal: Writer, service: Service, response: Response, expected: Expected
) -> ReportOut:
    """Change a report. Another schedule counts from now on; runs that are under way stay as they were asked for.

    Only whoever made a report can make it private.
    """
    report = await service.change(principal, report_id, body.changed, expected=expected)
    tag(response, report.version)
    return ReportOut.of(report)


@router.delete("/{report_id}", status_code=HTTPStatus.NO_CONTENT, responses={**_UNKNOWN, **_STALE})
async def remove_report(report_id: UUID, principal: Writer, service: Service, expected: Expected) -> None:
    """Delete a report and its runs. Links that were given out work until they end."""
    await service.remove(principal, report_id, expected=expected)


@router.post(
    "/{report_id}/run",
    status_code=HTTPStatus.ACCEPTED,
    responses={
        **_ACCEPTED,
        **_UNKNOWN,
        **refusals(status_429="Five runs are under way already; see `Retry-After`."),
    },
)
async def run_report(
    report_id: UUID, body: RunIn, principal: Reader, creating: Creating, service: Service, response: Response
) -> RunOut:
    """Have a report made now, in the background."""
    return RunOut.of(said(await service.run(principal, report_id, creating, notify=body.notify), response))


@router.get("/{report_id}/runs", responses=_UNKNOWN)
async def list_runs(report_id: UUID, wanted: Wanted, principal: Reader, service: Service) -> RunPageOut:
    """List a report's runs of the last 90 days, the latest first."""
    page = await service.runs(principal, report_id, before=moment_before(wanted.cursor), limit=wanted.limit)
    return RunPageOut.of(page)


@router.get("/{report_id}/runs/{run_id}", responses=_NO_RUN)
async def show_run(report_id: UUID, run_id: UUID, principal: Reader, service: Service) -> RunOut:
    """Show how far a run is, and where its files can be fetched for the next 55 minutes."""
    run, downloads = await service.show_run(principal, report_id, run_id)
    return RunOut.of(run, downloads)
