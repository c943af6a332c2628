"""API keys over HTTP."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from auth import wiring as shared
from auth.api_keys import wiring
from auth.api_keys.schemas import ApiKeyOut, ApiKeyPage, CreateApiKey, IssuedApiKeyOut, RotateApiKey
from auth.api_keys.service import ApiKeyService
from llmo_auth.guard import Allowed
from llmo_auth.idempotent_route import idempotent
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals
from llmo_core.paging import cursor_after, entry_before

router = APIRouter(prefix="/api/v1", route_class=idempotent(shared.repeated_requests))

type ApiKeys = Annotated[ApiKeyService, Depends(wiring.api_key_service)]
type KeysReader = Annotated[Principal, Depends(Allowed(Permission.KEYS_READ))]
type KeysWriter = Annotated[Principal, Depends(Allowed(Permission.KEYS_WRITE))]


@router.get("/api-keys")
async def list_api_keys(
    principal: KeysReader,
    service: ApiKeys,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: str | None = None,
) -> ApiKeyPage:
    """List the organization's keys, newest first, revoked and expired ones too."""
    keys, last = await service.page(principal, before=entry_before(cursor), limit=limit)
    used = await service.last_used(principal, keys)
    return ApiKeyPage(
        data=[ApiKeyOut.of(key, last_used_at=used.get(key.id)) for key in keys], next_cursor=cursor_after(last)
    )


@router.post("/api-keys", status_code=HTTPStatus.CREATED)
async def create_api_key(body: CreateApiKey, principal: KeysWriter, service: ApiKeys) -> IssuedApiKeyOut:
    """Create a key. Its text is in this answer and never shown again.

    A key creates keys in any project of its organization, but gives none of them permissions, limits, models or a time
    to live beyond its own: what it has a limit for must be given, and within that limit.
    """
    issued = await service.issue(
        principal,
        name=body.name,
        project_id=body.project_id,
        permissions=body.permissions,
        limits=body.limits,
        expires_at=body.expires_at,
        service_account_id=body.service_account_id,
        allowed_cidrs=tuple(body.allowed_cidrs) if body.allowed_cidrs is not None else None,
    )
    return IssuedApiKeyOut.of_issued(issued)


@router.post(
    "/api-keys/{key_id}/rotate",
    status_code=HTTPStatus.CREATED,
    responses=refusals(
        status_404="The organization has no key with this id.",
        status_409="The key was revoked or has expired, or the request is under way.",
    ),
)
async def rotate_api_key(
    key_id: UUID, principal: KeysWriter, service: ApiKeys, body: RotateApiKey | None = None
) -> IssuedApiKeyOut:
    """Replace a key: the successor may do the same, and the old one works for the overlap."""
    overlap = timedelta(seconds=(body or RotateApiKey()).overlap_seconds)
    return IssuedApiKeyOut.of_issued(await service.rotate(principal, key_id, overlap=overlap))


@router.delete(
    "/api-keys/{key_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=refusals(status_404="The organization has no key with this id."),
)
async def revoke_api_key(key_id: UUID, principal: KeysWriter, service: ApiKeys) -> Response:
    """Revoke a key; the gateway refuses its next call. Safe to repeat, also after a 503."""
    await service.revoke(principal, key_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)
