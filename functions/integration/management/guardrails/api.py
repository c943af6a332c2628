"""Guardrails over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from integration.management import wiring as shared
from integration.management.guardrails import wiring
from integration.management.guardrails.schemas import (
    ChangeGuardrail,
    CreateGuardrail,
    GuardrailOut,
    GuardrailPage,
    TestText,
    VerdictOut,
)
from integration.management.guardrails.service import GuardrailService, TestingGuardrails
from llmo_auth.guard import Allowed
from llmo_auth.idempotent_route import idempotent
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/guardrails", route_class=idempotent(shared.repeated_requests))
testing = APIRouter(prefix="/api/v1/guardrails")

type Guardrails = Annotated[GuardrailService, Depends(wiring.guardrail_service)]
type Testing = Annotated[TestingGuardrails, Depends(wiring.testing)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.MODELS_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.MODELS_WRITE))]

_UNKNOWN = refusals(status_404="The organization has no guardrail with this id.")
_UNFITTING = "The guardrail has not what its kind needs, or something else."
_TAKEN = "The organization has a guardrail of this name, or as many guardrails or words as there may be"


@router.get("", responses=refusals(status_400="The cursor is not one of this API's."))
async def list_guardrails(principal: Reader, service: Guardrails, wanted: Wanted) -> GuardrailPage:
    """List the organization's guardrails, the newest first."""
    return GuardrailPage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.CREATED: {**TAGGED}}
    | refusals(status_400=_UNFITTING, status_409=f"{_TAKEN}, or the request is under way."),
)
async def create_guardrail(
    body: CreateGuardrail, principal: Writer, service: Guardrails, response: Response
) -> GuardrailOut:
    """Look for something in the texts of calls. The gateway goes by it from the next call on."""
    guardrail = await service.create(principal, body.wanted())
    tag(response, guardrail.version)
    return GuardrailOut.of(guardrail)


@testing.post("/test")
async def test_guardrails(body: TestText, principal: Reader, service: Testing) -> VerdictOut:
    """Tell what would become of a text. No provider is asked, and nothing is kept."""
    return VerdictOut.of(await service.test(principal, body.text, body.stage, body.project_id))


@router.get("/{guardrail_id}", responses={HTTPStatus.OK: {**TAGGED}} | _UNKNOWN)
async def read_guardrail(
    guardrail_id: UUID, principal: Reader, service: Guardrails, response: Response
) -> GuardrailOut:
    """Show a guardrail."""
    guardrail = await service.find(principal, guardrail_id)
    tag(response, guardrail.version)
    return GuardrailOut.of(guardrail)


@router.patch(
    "/{guardrail_id}",
    responses={HTTPStatus.OK: {**TAGGED}}
    | _UNKNOWN
    | refusals(
        status_400=_UNFITTING,
        status_409=f"{_TAKEN}.",
        status_412="The guardrail has another version than `If-Match` says.",
    ),
)
async def change_guardrail(
    guardrail_id: UUID,
    body: ChangeGuardrail,
    principal: Writer,
    service: Guardrails,
    response: Response,
    expected: Expected,
) -> GuardrailOut:
    """Change a guardrail. The gateway goes by it from the next call on."""
    guardrail = await service.change(principal, guardrail_id, body.wanted(), expected=expected)
    tag(response, guardrail.version)
    return GuardrailOut.of(guardrail)


@router.delete("/{guardrail_id}", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
async def remove_guardrail(guardrail_id: UUID, principal: Writer, service: Guardrails) -> Response:
    """Remove a guardrail: it looks at nothing from the next call on."""
    await service.remove(principal, guardrail_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)
