"""Prompts over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response

from integration.management import wiring as shared
from integration.management.prompts import wiring
from integration.management.prompts.schemas import (
    ChangePrompt,
    CreatePrompt,
    CreateVersion,
    PromptOut,
    PromptPage,
    Rendered,
    RenderPrompt,
    VersionOut,
    VersionPage,
)
from integration.management.prompts.service import PromptService, VersionService
from llmo_auth.guard import Allowed
from llmo_auth.idempotent_route import idempotent
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/prompts", route_class=idempotent(shared.repeated_requests))
rendering = APIRouter(prefix="/api/v1/prompts")

type Prompts = Annotated[PromptService, Depends(wiring.prompt_service)]
type Versions = Annotated[VersionService, Depends(wiring.version_service)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.MODELS_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.MODELS_WRITE))]
type Number = Annotated[int, Path(ge=1, le=2_147_483_647)]

_UNKNOWN = refusals(status_404="The organization has no prompt with this id.")
_UNKNOWN_VERSION = refusals(status_404="There is no such prompt, or it has no such version.")
_TAKEN = "A prompt has this name, there are as many as there may be, or the request is under way."
_CURSOR = refusals(status_400="The cursor is not one of this API's.")
_STALE = "The prompt has another version than `If-Match` says."


@router.get("", responses=_CURSOR)
async def list_prompts(principal: Reader, service: Prompts, wanted: Wanted) -> PromptPage:
    """List the organization's prompts, the newest first."""
    return PromptPage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.post(
    "", status_code=HTTPStatus.CREATED, responses={HTTPStatus.CREATED: {**TAGGED}} | refusals(status_409=_TAKEN)
)
async def create_prompt(body: CreatePrompt, principal: Writer, service: Prompts, response: Response) -> PromptOut:
    """Make a prompt. Calls can be made from it once it has a version."""
    prompt = await service.create(principal, body.wanted())
    tag(response, prompt.version)
    return PromptOut.of(prompt)


@router.get("/{prompt_id}", responses={HTTPStatus.OK: {**TAGGED}} | _UNKNOWN)
async def read_prompt(prompt_id: UUID, principal: Reader, service: Prompts, response: Response) -> PromptOut:
    """Show a prompt."""
    prompt = await service.find(principal, prompt_id)
    tag(response, prompt.version)
    return PromptOut.of(prompt)


@router.patch(
    "/{prompt_id}",
    responses={HTTPStatus.OK: {**TAGGED}}
    | refusals(
        status_404="There is no such prompt, or no version that a label is put on.",
        status_409="A prompt has this name.",
        status_412=_STALE,
    ),
)
async def change_prompt(
    prompt_id: UUID, body: ChangePrompt, principal: Writer, service: Prompts, response: Response, expected: Expected
) -> PromptOut:
    """Change a prompt: calls go by its labels from the next one on."""
    prompt = await service.change(principal, prompt_id, body.wanted(), expected=expected)
    tag(response, prompt.version)
    return PromptOut.of(prompt)


@router.delete("/{prompt_id}", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
async def remove_prompt(prompt_id: UUID, principal: Writer, service: Prompts) -> Response:
    """Remove a prompt: from the next call on none is made from it."""
    await service.remove(principal, prompt_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/{prompt_id}/versions", responses=_UNKNOWN | _CURSOR)
async def list_versions(prompt_id: UUID, principal: Reader, service: Versions, wanted: Wanted) -> VersionPage:
    """List a prompt's versions, the newest first."""
    before = entry_before(wanted.cursor)
    return VersionPage.of(await service.page(principal, prompt_id, before=before, limit=wanted.limit))


@router.post(
    "/{prompt_id}/versions",
    status_code=HTTPStatus.CREATED,
    responses=_UNKNOWN
    | refusals(
        status_400="There would be too many labels.",
        status_409="The prompt has as many versions as there may be, or the request is under way.",
        status_412=_STALE,
    ),
)
async def add_version(
    prompt_id: UUID, body: CreateVersion, principal: Writer, service: Versions, expected: Expected
) -> VersionOut:
    """Add the next version of a prompt, which never changes. Calls get it when they ask for it, or by its labels."""
    return VersionOut.of(await service.add(principal, prompt_id, body.wanted(), expected=expected))


@router.get("/{prompt_id}/versions/{number}", responses=_UNKNOWN_VERSION)
async def read_version(prompt_id: UUID, number: Number, principal: Reader, service: Versions) -> VersionOut:
    """Show a version of a prompt."""
    return VersionOut.of(await service.find(principal, prompt_id, number))


@rendering.post(
    "/{prompt_id}/render",
    responses=_UNKNOWN | refusals(status_400="There is no such version, or its variables are others."),
)
async def render_prompt(prompt_id: UUID, body: RenderPrompt, principal: Reader, service: Versions) -> Rendered:
    """Show what a call that is made from a prompt has. No provider is asked."""
    version, messages = await service.rendered(principal, prompt_id, body.version, body.variables)
    return Rendered(number=version.number, messages=messages, defaults=version.defaults)
