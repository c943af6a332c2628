"""Service accounts over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from auth import wiring as shared
from auth.service_accounts import wiring
from auth.service_accounts.schemas import (
    CreatedServiceAccountOut,
    CreateServiceAccount,
    IssuedSecretOut,
    ServiceAccountOut,
    ServiceAccountsOut,
)
from auth.service_accounts.service import ServiceAccountService
from llmo_auth.guard import AllowedIn
from llmo_auth.idempotent_route import idempotent
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/api/v1/orgs", route_class=idempotent(shared.repeated_requests))

type ServiceAccounts = Annotated[ServiceAccountService, Depends(wiring.service_account_service)]
type Reader = Annotated[Principal, Depends(AllowedIn(Permission.SERVICE_ACCOUNTS_READ))]
type Writer = Annotated[Principal, Depends(AllowedIn(Permission.SERVICE_ACCOUNTS_WRITE))]

_ANY = refusals(
    status_403="The caller lacks the permission, or one that the account has, or is no person who has signed in.",
    status_404="The credentials are for another organization, or there is nothing with this id in it.",
)


@router.get("/{org_id}/service-accounts", responses=_ANY)
async def list_service_accounts(principal: Reader, service: ServiceAccounts) -> ServiceAccountsOut:
    """List the organization's service accounts, also disabled ones, the newest first."""
    return ServiceAccountsOut(data=[ServiceAccountOut.of(found) for found in await service.all(principal)])


@router.post("/{org_id}/service-accounts", status_code=HTTPStatus.CREATED, responses=_ANY)
async def create_service_account(
    body: CreateServiceAccount, principal: Writer, service: ServiceAccounts
) -> CreatedServiceAccountOut:
    """Create a service account, with no permission that the caller does not have.

    Its first secret is in this answer and never shown again.
    """
    account, issued = await service.create(principal, name=body.name, permissions=body.permissions)
    return CreatedServiceAccountOut.of_created(account, issued)


@router.delete("/{org_id}/service-accounts/{account_id}", status_code=HTTPStatus.NO_CONTENT, responses=_ANY)
async def disable_service_account(account_id: UUID, principal: Writer, service: ServiceAccounts) -> Response:
    """Disable a service account for good: it gets no more tokens, and those that it has are refused."""
    await service.disable(principal, account_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/{org_id}/service-accounts/{account_id}/secrets",
    status_code=HTTPStatus.CREATED,
    responses=_ANY | refusals(status_409="The account has two secrets already, or the request is under way."),
)
async def add_secret(account_id: UUID, principal: Writer, service: ServiceAccounts) -> IssuedSecretOut:
    """Make another secret, to be used before the old one is revoked. It is in this answer and never shown again."""
    return IssuedSecretOut.of_issued(await service.add_secret(principal, account_id))


@router.delete(
    "/{org_id}/service-accounts/{account_id}/secrets/{secret_id}", status_code=HTTPStatus.NO_CONTENT, responses=_ANY
)
async def revoke_secret(account_id: UUID, secret_id: UUID, principal: Writer, service: ServiceAccounts) -> Response:
    """Make a secret worthless. Tokens that it got live on for a quarter of an hour at most."""
    await service.revoke_secret(principal, account_id, secret_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)
