"""An organization's applications over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from auth import wiring as shared
from auth.oauth import wiring
from auth.oauth.applications import ApplicationService
from auth.oauth.schemas import ApplicationOut, ApplicationsOut, RegisterApplication, RegisteredApplicationOut
from llmo_auth.guard import AllowedIn
from llmo_auth.idempotent_route import idempotent
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/api/v1/orgs", route_class=idempotent(shared.repeated_requests))

type Applications = Annotated[ApplicationService, Depends(wiring.application_service)]
type Reader = Annotated[Principal, Depends(AllowedIn(Permission.OAUTH_CLIENTS_READ))]
type Writer = Annotated[Principal, Depends(AllowedIn(Permission.OAUTH_CLIENTS_WRITE))]

_ANY = refusals(
    status_403="The caller lacks the permission.",
    status_404="The credentials are for another organization, or there is no application with this id in it.",
)


@router.get("/{org_id}/oauth-clients", responses=_ANY)
async def list_applications(principal: Reader, service: Applications) -> ApplicationsOut:
    """List the applications that the organization registered, the newest first."""
    return ApplicationsOut(data=[ApplicationOut.of(found) for found in await service.all(principal)])


@router.post("/{org_id}/oauth-clients", status_code=HTTPStatus.CREATED, responses=_ANY)
async def register_application(
    body: RegisterApplication, principal: Writer, service: Applications
) -> RegisteredApplicationOut:
    """Register an application that people can let act for them. Its secret is in this answer and never shown again."""
    application, secret = await service.register(
        principal,
        name=body.name,
        redirect_uris=body.redirect_uris,
        permissions=body.permissions,
        confidential=body.confidential,
    )
    return RegisteredApplicationOut.of_registered(application, secret)


@router.delete("/{org_id}/oauth-clients/{client_id}", status_code=HTTPStatus.NO_CONTENT, responses=_ANY)
async def remove_application(client_id: UUID, principal: Writer, service: Applications) -> Response:
    """Remove an application, and end whatever people let it do."""
    await service.remove(principal, client_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)
