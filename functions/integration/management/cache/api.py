"""Purges over HTTP."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends

from integration.management import wiring as shared
from integration.management.cache import wiring
from integration.management.cache.schemas import CreatePurge, PurgeOut, PurgePage
from integration.management.cache.service import CacheService
from llmo_auth.guard import Allowed
from llmo_auth.idempotent_route import idempotent
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/cache/purges", route_class=idempotent(shared.repeated_requests))

type Cache = Annotated[CacheService, Depends(wiring.cache_service)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.MODELS_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.MODELS_WRITE))]


@router.get("", responses=refusals(status_400="The cursor is not one of this API's."))
async def list_purges(principal: Reader, service: Cache, wanted: Wanted) -> PurgePage:
    """List when the cache was purged, the newest first."""
    return PurgePage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.post("", status_code=HTTPStatus.CREATED, responses=refusals(status_409="The request is under way."))
async def purge_cache(body: CreatePurge, principal: Writer, service: Cache) -> PurgeOut:
    """Forget every stored answer of a project, or of all. From the next call on none of them is given."""
    return PurgeOut.of(await service.purge(principal, body.project_id))
