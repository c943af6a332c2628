"""Accounts over HTTP."""

from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Response

from billing.accounts import wiring
from billing.accounts.schemas import TAXED, AccountOut, TaxationOut, UpdateAccount
from billing.accounts.service import AccountService
from billing.callers import Reader, Writer
from billing.taxes import Taxation
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag

router = APIRouter(prefix="/api/v1/billing")

type Accounts = Annotated[AccountService, Depends(wiring.account_service)]

_STALE = refusals(status_412="The account has another revision than `If-Match` says.")
_TAGGED: Final[dict[int | str, dict[str, Any]]] = {HTTPStatus.OK: {**TAGGED}}


@router.get("/account", responses=_TAGGED)
async def read_account(principal: Reader, service: Accounts, response: Response) -> AccountOut:
    """Show who is billed, and how that is taxed."""
    account = await service.show(principal.org_id)
    tag(response, account.revision)
    return AccountOut.of(account)


@router.put("/account", responses=_TAGGED | _STALE)
async def update_account(
    body: UpdateAccount, principal: Writer, service: Accounts, response: Response, expected: Expected
) -> AccountOut:
    """Say who is billed. A live subscription keeps the time zone that it started with."""
    account = await service.update(principal, body.wanted(), expected=expected)
    tag(response, account.revision)
    return AccountOut.of(account)


@router.get(
    "/accounts/{org_id}/taxation",
    responses=_TAGGED
    | refusals(
        status_403="It is another organization, and the caller is not of the one that operates all this, or lacks"
        " the permission `billing:read`."
    ),
)
async def read_taxation(org_id: UUID, principal: Reader, service: Accounts, response: Response) -> TaxationOut:
    """Show how an organization is taxed: one's own, and any to the organization that operates the deployment."""
    account = await service.taxation(principal, org_id)
    tag(response, account.revision)
    return TaxationOut.of(account)


@router.put(
    "/accounts/{org_id}/taxation",
    responses=_TAGGED
    | _STALE
    | refusals(
        status_403="The caller lacks the permission `billing:write`, or is not of the organization that operates all"
        " this."
    ),
)
async def set_taxation(
    org_id: UUID,
    body: Annotated[Taxation, Body(examples=[TAXED])],
    principal: Writer,
    service: Accounts,
    response: Response,
    expected: Expected,
) -> TaxationOut:
    """Decide how an organization is taxed from now on. The organization that operates the deployment does."""
    account = await service.tax(principal, org_id, body, expected=expected)
    tag(response, account.revision)
    return TaxationOut.of(account)
