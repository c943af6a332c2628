"""Retention over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends

from analytics.data_retention import wiring
from analytics.data_retention.schemas import ChooseRetention, RetentionOut
from analytics.data_retention.service import RetentionService
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/api/v1/analytics/data-retention")

type Service = Annotated[RetentionService, Depends(wiring.retention_service)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.ANALYTICS_WRITE))]


@router.get("")
async def read_data_retention(principal: Reader, service: Service) -> RetentionOut:
    """Say for how long tracked events are kept."""
    return RetentionOut.of(await service.show(principal.org_id))


@router.put("", responses=refusals(status_400="The plan keeps events for fewer days, or the body cannot be read."))
async def choose_data_retention(body: ChooseRetention, principal: Writer, service: Service) -> RetentionOut:
    """Choose for how long tracked events are kept, within the plan. It holds for those that are kept already, too."""
    return RetentionOut.of(await service.choose(principal.org_id, body.days))
