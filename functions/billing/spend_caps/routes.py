"""Spend caps over HTTP."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from billing.callers import Reader, Writer
from billing.spend_caps import wiring
from billing.spend_caps.schemas import SetSpendCap, SpendCapOut
from billing.spend_caps.service import SpendCapService
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag

router = APIRouter(prefix="/api/v1/billing/spend-cap")

type SpendCaps = Annotated[SpendCapService, Depends(wiring.spend_cap_service)]


@router.get("", responses={HTTPStatus.OK: {**TAGGED}})
async def read_spend_cap(principal: Reader, service: SpendCaps, response: Response) -> SpendCapOut:
    """Show the most that the organization wants to spend on LLM calls in a month."""
    cap = await service.show(principal)
    tag(response, cap.revision)
    return SpendCapOut.of(cap)


@router.put(
    "",
    responses={HTTPStatus.OK: {**TAGGED}} | refusals(status_412="The cap has another revision than `If-Match` says."),
)
async def set_spend_cap(
    body: SetSpendCap, principal: Writer, service: SpendCaps, response: Response, expected: Expected
) -> SpendCapOut:
    """Set the most that LLM calls may cost in a month, or null for no cap.

    The gateway holds every call against it, within seconds: calls that could exceed it are refused with
    `insufficient_quota`, however many are made at once, until the organization's next month.
    """
    cap = await service.put(principal, body.limit_usd, expected=expected)
    tag(response, cap.revision)
    return SpendCapOut.of(cap)
