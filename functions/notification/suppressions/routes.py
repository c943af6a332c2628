"""Suppressions over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from llmo_core.http.documentation import refusals
from llmo_core.paging import entry_before
from notification.callers import CURSOR, Reader, Writer
from notification.suppressions import wiring
from notification.suppressions.schemas import SuppressionPage, SuppressionQuery
from notification.suppressions.service import SuppressionService

router = APIRouter(prefix="/api/v1/notifications/suppressions")

type Service = Annotated[SuppressionService, Depends(wiring.suppression_service)]

_OPERATORS = refusals(status_403="The caller's organization does not operate this deployment.")


@router.get("", responses=CURSOR | _OPERATORS)
async def list_suppressions(
    principal: Reader, service: Service, wanted: Annotated[SuppressionQuery, Query()]
) -> SuppressionPage:
    """List addresses that nothing is sent to, of all organizations, by their hashes' ids; or look for one of them."""
    page = await service.page(
        principal,
        channel=wanted.channel,
        address=wanted.address,
        before=entry_before(wanted.cursor),
        limit=wanted.limit,
    )
    return SuppressionPage.of(page)


@router.delete(
    "/{suppression_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=_OPERATORS | refusals(status_404="There is no such suppression."),
)
async def lift_suppression(suppression_id: UUID, principal: Writer, service: Service) -> None:
    """Send to an address again, whose owner asks for that, say; a bounce or a complaint suppresses it anew."""
    await service.lift(principal, suppression_id)
