"""Prepaid organizations over HTTP."""

from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from billing.callers import Reader, Writer
from billing.prepaid import wiring
from billing.prepaid.schemas import DecidePrepaid, PrepaidOut
from billing.prepaid.service import PrepaidService
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag

router = APIRouter(prefix="/api/v1/billing/accounts/{org_id}/prepaid")

type Service = Annotated[PrepaidService, Depends(wiring.prepaid_service)]

_TAGGED: Final[dict[int | str, dict[str, Any]]] = {HTTPStatus.OK: {**TAGGED}}


@router.get(
    "",
    responses=_TAGGED
    | refusals(
        status_403="It is another organization, and the caller is not of the one that operates all this, or lacks"
        " the permission `billing:read`."
    ),
)
async def read_prepaid(org_id: UUID, principal: Reader, service: Service, response: Response) -> PrepaidOut:
    """Show whether an organization pays in advance: one's own, and any to the one that operates the deployment."""
    prepaid = await service.show(principal, org_id)
    tag(response, prepaid.revision)
    return PrepaidOut.of(prepaid)


@router.put(
    "",
    responses=_TAGGED
    | refusals(
        status_400="The organization is billed in another currency than US dollars.",
        status_403="The caller lacks the permission `billing:write`, or is not of the organization that operates all"
        " this.",
        status_412="It was decided anew since `If-Match`.",
    ),
)
async def decide_prepaid(
    org_id: UUID, body: DecidePrepaid, principal: Writer, service: Service, response: Response, expected: Expected
) -> PrepaidOut:
    """Decide whether an organization pays in advance. The organization that operates the deployment does.

    From the next minute on the gateway refuses calls that could cost more than its credit is worth.
    """
    prepaid = await service.decide(principal, org_id, pays_in_advance=body.pays_in_advance, expected=expected)
    tag(response, prepaid.revision)
    return PrepaidOut.of(prepaid)
