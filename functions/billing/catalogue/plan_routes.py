"""Plans over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path, Response

from billing import wiring as shared
from billing.callers import CURSOR, OPERATOR, Reader, Writer
from billing.catalogue import wiring
from billing.catalogue.examples import PLANS, VERSIONS
from billing.catalogue.plans import PlanService
from billing.catalogue.schemas import CreatePlan, PlanOut, PlanPage, VersionOut, VersionPage
from billing.pricing.plans import PlanVersion
from llmo_auth.idempotent_route import idempotent
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/billing/plans", route_class=idempotent(shared.repeated_requests))

type Plans = Annotated[PlanService, Depends(wiring.plan_service)]
type Number = Annotated[int, Path(ge=1, le=2_147_483_647)]

_UNKNOWN = refusals(status_404="There is no plan with this id that the caller may see.")
_STALE = refusals(status_412="The plan has another revision than `If-Match` says.")
_NO_SUCH_METER = "The meter of a charge is not one that its price can be asked for."


@router.get("", responses=CURSOR)
async def list_plans(principal: Reader, service: Plans, wanted: Wanted) -> PlanPage:
    """List the plans that one can subscribe to, the newest first.

    The organization that operates the deployment sees drafts and archived plans besides.
    """
    return PlanPage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.CREATED: {**TAGGED}}
    | OPERATOR
    | refusals(
        status_400=_NO_SUCH_METER,
        status_404="There is no meter with the code that a charge names.",
        status_409="A plan has this code, or the request is under way.",
    ),
)
async def create_plan(
    body: Annotated[CreatePlan, Body(openapi_examples=PLANS)], principal: Writer, service: Plans, response: Response
) -> PlanOut:
    """Make a plan with its first version: a draft, unless it is offered at once."""
    plan = await service.create(principal, body.wanted())
    tag(response, plan.revision)
    return PlanOut.of(plan)


@router.get("/{plan_id}", responses={HTTPStatus.OK: {**TAGGED}} | _UNKNOWN)
async def read_plan(plan_id: UUID, principal: Reader, service: Plans, response: Response) -> PlanOut:
    """Show a plan, also when it is archived."""
    plan = await service.find(principal, plan_id)
    tag(response, plan.revision)
    return PlanOut.of(plan)


@router.post(
    "/{plan_id}/offer",
    responses={HTTPStatus.OK: {**TAGGED}}
    | OPERATOR
    | _UNKNOWN
    | _STALE
    | refusals(status_409="The plan is archived, or the request is under way."),
)
async def offer_plan(
    plan_id: UUID, principal: Writer, service: Plans, response: Response, expected: Expected
) -> PlanOut:
    """Offer a draft to everybody, from its newest version on."""
    plan = await service.offer(principal, plan_id, expected=expected)
    tag(response, plan.revision)
    return PlanOut.of(plan)


@router.post("/{plan_id}/archive", responses={HTTPStatus.OK: {**TAGGED}} | OPERATOR | _UNKNOWN | _STALE)
async def archive_plan(
    plan_id: UUID, principal: Writer, service: Plans, response: Response, expected: Expected
) -> PlanOut:
    """Let nobody subscribe to a plan any more. What it was stays to be seen."""
    plan = await service.archive(principal, plan_id, expected=expected)
    tag(response, plan.revision)
    return PlanOut.of(plan)


@router.get("/{plan_id}/versions", responses=_UNKNOWN | CURSOR)
async def list_versions(plan_id: UUID, principal: Reader, service: Plans, wanted: Wanted) -> VersionPage:
    """List a plan's versions, the newest first. Those that it had as a draft are the operator's business."""
    before = entry_before(wanted.cursor)
    return VersionPage.of(await service.versions(principal, plan_id, before=before, limit=wanted.limit))


@router.post(
    "/{plan_id}/versions",
    status_code=HTTPStatus.CREATED,
    responses=OPERATOR
    | _STALE
    | refusals(
        status_400=_NO_SUCH_METER,
        status_404="There is no such plan, or no meter with the code that a charge names.",
        status_409="The plan is archived, or the request is under way.",
    ),
)
async def add_version(
    plan_id: UUID,
    body: Annotated[PlanVersion, Body(openapi_examples=VERSIONS)],
    principal: Writer,
    service: Plans,
    expected: Expected,
) -> VersionOut:
    """Add the next version of a plan, which never changes. Those before stay what they were."""
    return VersionOut.of(await service.add_version(principal, plan_id, body, expected=expected))


@router.get(
    "/{plan_id}/versions/{number}", responses=refusals(status_404="There is no such plan, or it has no such version.")
)
async def read_version(plan_id: UUID, number: Number, principal: Reader, service: Plans) -> VersionOut:
    """Show a version of a plan."""
    return VersionOut.of(await service.version(principal, plan_id, number))
