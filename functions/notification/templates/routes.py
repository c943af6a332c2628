"""Templates over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from llmo_auth.idempotent_route import idempotent
from llmo_core.http.body_limits import limited
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before
from notification import wiring as shared
from notification.callers import CURSOR, Reader, Writer
from notification.templates import wiring
from notification.templates.kind_schemas import KindsOut
from notification.templates.preview_schemas import Preview, PreviewOut, PreviewTemplate, TestOut, preview_of
from notification.templates.previewing import PreviewService
from notification.templates.schemas import (
    MOST_BYTES,
    CreateTemplate,
    DraftIn,
    Publish,
    RollBack,
    TemplateOut,
    TemplatePage,
    TemplateQuery,
    VersionOut,
    VersionPage,
)
from notification.templates.service import TemplateService

_PREFIX = "/api/v1/templates"
router = APIRouter(prefix=_PREFIX, route_class=limited(MOST_BYTES, idempotent(shared.repeated_requests)))
previewing = APIRouter(prefix=_PREFIX, route_class=limited(MOST_BYTES))  # a preview changes nothing

type Templates = Annotated[TemplateService, Depends(wiring.template_service)]
type Previews = Annotated[PreviewService, Depends(wiring.preview_service)]
type Number = Annotated[int, Path(ge=1, le=2_147_483_647)]
type Listed = Annotated[TemplateQuery, Query()]

_UNKNOWN = refusals(status_404="The organization has no template with this id.")
_UNKNOWN_VERSION = refusals(status_404="There is no such template, or it has no such version.")
_STALE = "The template has another revision than `If-Match` says."
_UNFITTING = "The kind cannot be worded by you, or has other parts or variables"
_FLAWED = "The template cannot be rendered; `errors` says where: in which part (`pointer`), and in which `line`."
_LARGE = refusals(status_413="The body has more than a mebibyte.")


@router.get("", responses=CURSOR)
async def list_templates(principal: Reader, service: Templates, listed: Listed) -> TemplatePage:
    """List the organization's templates, the newest first."""
    before = entry_before(listed.cursor)
    return TemplatePage.of(await service.page(principal, listed.sought(), before=before, limit=listed.limit))


@router.get("/kinds")
async def list_kinds(principal: Reader, service: Templates) -> KindsOut:
    """List the kinds of notifications: the platform's, and your own that something is published of."""
    return KindsOut.of(await service.kinds(principal))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.CREATED: {**TAGGED}}
    | _LARGE
    | refusals(
        status_400=f"{_UNFITTING}.",
        status_409="There is such a template, there are as many as there may be, or the request is under way.",
    ),
)
async def create_template(
    body: CreateTemplate, principal: Writer, service: Templates, response: Response
) -> TemplateOut:
    """Make a template. It is sent once it is published; until then, what is shipped is.

    Templates are a part of Jinja2: `{{ variable }}`, `{% if %}`, `{% for %}`, and the filters `amount`, `capitalize`,
    `default`, `join`, `length`, `lines`, `link`, `lower`, `moment`, `money`, `trim`, `truncate`, `upper` and
    `urlencode`. Values are texts in HTML, never markup.
    """
    template = await service.create(principal, body.new())
    tag(response, template.revision)
    return TemplateOut.of(template)


@previewing.post("/preview", responses=_LARGE | refusals(status_400=f"{_UNFITTING}. Or: {_FLAWED}"))
async def preview(body: Preview, principal: Reader, service: Previews) -> PreviewOut:
    """Show what somebody would get of a template that is not kept, or of what is shipped. Nothing is sent."""
    return preview_of(await service.of(principal, body.previewed(), body.setting()))


@router.get("/{template_id}", responses={HTTPStatus.OK: {**TAGGED}} | _UNKNOWN)
async def read_template(template_id: UUID, principal: Reader, service: Templates, response: Response) -> TemplateOut:
    """Show a template with its draft."""
    template = await service.find(principal, template_id)
    tag(response, template.revision)
    return TemplateOut.of(template)


@router.put(
    "/{template_id}/draft",
    responses={HTTPStatus.OK: {**TAGGED}}
    | _UNKNOWN
    | _LARGE
    | refusals(status_400=f"{_UNFITTING}.", status_412=_STALE),
)
async def write_draft(
    template_id: UUID, body: DraftIn, principal: Writer, service: Templates, response: Response, expected: Expected
) -> TemplateOut:
    """Write what the next version is to say. What is sent stays as it is."""
    template = await service.draft(principal, template_id, body.wording(), expected=expected)
    tag(response, template.revision)
    return TemplateOut.of(template)


@router.post(
    "/{template_id}/publish",
    responses={HTTPStatus.OK: {**TAGGED}}
    | _UNKNOWN
    | refusals(
        status_400=_FLAWED,
        status_409="There is no draft, there are as many versions as there may be, or the request is under way.",
        status_412=_STALE,
    ),
)
async def publish_template(
    template_id: UUID, body: Publish, principal: Writer, service: Templates, response: Response, expected: Expected
) -> TemplateOut:
    """Make the draft the next version, which never changes, and send that from now on, within seconds.

    It is rendered with its examples first, with and without what may be left out.
    """
    template = await service.publish(principal, template_id, body.note, expected=expected)
    tag(response, template.revision)
    return TemplateOut.of(template)


@router.post(
    "/{template_id}/rollback",
    responses={HTTPStatus.OK: {**TAGGED}} | _UNKNOWN_VERSION | refusals(status_400=_FLAWED, status_412=_STALE),
)
async def roll_template_back(
    template_id: UUID, body: RollBack, principal: Writer, service: Templates, response: Response, expected: Expected
) -> TemplateOut:
    """Send another version again, within seconds. The draft stays."""
    template = await service.roll_back(principal, template_id, body.version, expected=expected)
    tag(response, template.revision)
    return TemplateOut.of(template)


@router.delete(
    "/{template_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=_UNKNOWN | refusals(status_412=_STALE),
)
async def remove_template(template_id: UUID, principal: Writer, service: Templates, expected: Expected) -> Response:
    """Remove a template: what is shipped is sent again, within seconds."""
    await service.remove(principal, template_id, expected=expected)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/{template_id}/versions", responses=_UNKNOWN | CURSOR)
async def list_versions(template_id: UUID, principal: Reader, service: Templates, wanted: Wanted) -> VersionPage:
    """List a template's versions, the newest first."""
    before = entry_before(wanted.cursor)
    return VersionPage.of(await service.versions(principal, template_id, before=before, limit=wanted.limit))


@router.get("/{template_id}/versions/{number}", responses=_UNKNOWN_VERSION)
async def read_version(template_id: UUID, number: Number, principal: Reader, service: Templates) -> VersionOut:
    """Show a version of a template."""
    return VersionOut.of_version(await service.version(principal, template_id, number))


@previewing.post("/{template_id}/preview", responses=_UNKNOWN_VERSION | refusals(status_400=_FLAWED))
async def preview_template(
    template_id: UUID, body: PreviewTemplate, principal: Reader, service: Previews
) -> PreviewOut:
    """Show what somebody would get of a template. Nothing is sent."""
    _, content = await service.of_template(principal, template_id, body.version, body.setting())
    return preview_of(content)


@router.post(
    "/{template_id}/test",
    status_code=HTTPStatus.ACCEPTED,
    responses=_UNKNOWN_VERSION
    | refusals(
        status_400=_FLAWED,
        status_403="The caller lacks the permission `notifications:write`, or is no person who has signed in.",
        status_409="You have no address on the template's channel, or the request is under way.",
    ),
)
async def test_template(template_id: UUID, body: PreviewTemplate, principal: Writer, service: Previews) -> TestOut:
    """Send the same to yourself, and nobody else."""
    return TestOut(notification_id=await service.test(principal, template_id, body.version, body.setting()))
