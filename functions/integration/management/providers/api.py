"""Providers over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from integration.management import wiring as shared
from integration.management.providers import wiring
from integration.management.providers.schemas import (
    ChangeProvider,
    ConnectionTestOut,
    CreateProvider,
    ProviderOut,
    ProviderPage,
)
from integration.management.providers.service import ProviderService
from llmo_auth.guard import Allowed
from llmo_auth.idempotent_route import idempotent
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/providers", route_class=idempotent(shared.repeated_requests))
testing = APIRouter(prefix="/api/v1/providers")  # a test changes nothing, and takes longer than a transaction should

type Providers = Annotated[ProviderService, Depends(wiring.provider_service)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.MODELS_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.MODELS_WRITE))]

_UNKNOWN = refusals(status_404="The organization has no provider with this id.")
_UNFITTING = "The base URL is not called, or something does not fit the kind: a region, an API key or a version."
_TAKEN = "The organization has a provider of this name already, or the request is under way."


@router.get("", responses=refusals(status_400="The cursor is not one of this API's."))
async def list_providers(principal: Reader, service: Providers, wanted: Wanted) -> ProviderPage:
    """List the organization's providers, the newest first."""
    return ProviderPage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.CREATED: {**TAGGED}} | refusals(status_400=_UNFITTING, status_409=_TAKEN),
)
async def create_provider(
    body: CreateProvider, principal: Writer, service: Providers, response: Response
) -> ProviderOut:
    """Set up a provider. Its API key is stored encrypted and never shown again; `test` says whether it works."""
    provider = await service.create(principal, body.wanted())
    tag(response, provider.version)
    return ProviderOut.of(provider)


@router.get("/{provider_id}", responses={HTTPStatus.OK: {**TAGGED}} | _UNKNOWN)
async def read_provider(provider_id: UUID, principal: Reader, service: Providers, response: Response) -> ProviderOut:
    """Show a provider."""
    provider = await service.find(principal, provider_id)
    tag(response, provider.version)
    return ProviderOut.of(provider)


@router.patch(
    "/{provider_id}",
    responses={HTTPStatus.OK: {**TAGGED}}
    | _UNKNOWN
    | refusals(
        status_400=f"{_UNFITTING} Or the base URL is another host's, and the API key was not given again.",
        status_409="The organization has a provider of the new name already, or routes use the old one.",
        status_412="The provider has another version than `If-Match` says.",
    ),
)
async def change_provider(
    provider_id: UUID,
    body: ChangeProvider,
    principal: Writer,
    service: Providers,
    response: Response,
    expected: Expected,
) -> ProviderOut:
    """Change a provider. The gateway goes by it from the next call on."""
    provider = await service.change(principal, provider_id, body.wanted(), expected=expected)
    tag(response, provider.version)
    return ProviderOut.of(provider)


@router.delete(
    "/{provider_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=_UNKNOWN | refusals(status_409="Models or routes use the provider."),
)
async def remove_provider(provider_id: UUID, principal: Writer, service: Providers) -> Response:
    """Remove a provider that no model and no route uses, and forget its credentials."""
    await service.remove(principal, provider_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@testing.post("/{provider_id}/test", responses=_UNKNOWN)
async def check_provider(provider_id: UUID, principal: Writer, service: Providers) -> ConnectionTestOut:
    """Ask the provider for its models, with its credentials. Whatever goes wrong there is in the answer, with 200."""
    return ConnectionTestOut.of(await service.test(principal, provider_id))
