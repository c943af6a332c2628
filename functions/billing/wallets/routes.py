"""Wallets over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Response

from billing import wiring as shared
from billing.callers import CURSOR, OPERATOR, STRIPE, Reader, Writer
from billing.wallets import wiring
from billing.wallets.buying import BuyingService
from billing.wallets.examples import CREDIT, TOP_UP, WALLET
from billing.wallets.schemas import (
    BuyCredit,
    ChangeWallet,
    CreateWallet,
    GiveCredit,
    GrantOut,
    GrantPage,
    TopUpOut,
    TopUpPage,
    WalletOut,
    WalletPage,
)
from billing.wallets.top_ups import TopUpService
from billing.wallets.wallets import WalletService
from llmo_auth.idempotent_route import idempotent
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/billing", route_class=idempotent(shared.repeated_requests))
# What is done in another organization is not a part of the caller's transaction, which repeated requests are kept in.
operator_router = APIRouter(prefix="/api/v1/billing")

type Wallets = Annotated[WalletService, Depends(wiring.wallet_service)]
type Buying = Annotated[BuyingService, Depends(wiring.buying_service)]
type TopUps = Annotated[TopUpService, Depends(wiring.top_up_service)]

_UNKNOWN = refusals(status_404="The organization has no such wallet.")
_AMOUNT = "No card can be charged with this amount in this currency."


@router.get("/wallets", responses=CURSOR)
async def list_wallets(principal: Reader, service: Wallets, wanted: Wanted) -> WalletPage:
    """List the organization's wallets with what is left in them, the newest first."""
    return WalletPage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.post(
    "/wallets",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.CREATED: {**TAGGED}}
    | refusals(status_400=_AMOUNT, status_409="There is a wallet in this currency, or the request is under way."),
)
async def create_wallet(
    body: Annotated[CreateWallet, Body(openapi_examples=WALLET)],
    principal: Writer,
    service: Wallets,
    response: Response,
) -> WalletOut:
    """Make an empty wallet. Invoices in its currency are paid by it before any card is charged."""
    wallet = await service.create(principal, body.currency, body.settings())
    tag(response, wallet.revision)
    return WalletOut.of(wallet)


@router.get("/wallets/{wallet_id}", responses={HTTPStatus.OK: {**TAGGED}} | _UNKNOWN)
async def read_wallet(wallet_id: UUID, principal: Reader, service: Wallets, response: Response) -> WalletOut:
    """Show a wallet with what is left in it."""
    wallet = await service.find(principal, wallet_id)
    tag(response, wallet.revision)
    return WalletOut.of(wallet)


@router.put(
    "/wallets/{wallet_id}",
    responses={HTTPStatus.OK: {**TAGGED}}
    | _UNKNOWN
    | refusals(status_400=_AMOUNT, status_412="The wallet has another revision than `If-Match` says."),
)
async def change_wallet(
    wallet_id: UUID, body: ChangeWallet, principal: Writer, service: Wallets, response: Response, expected: Expected
) -> WalletOut:
    """Set a wallet up anew: its name, when somebody is told, and whether it is topped up by itself."""
    wallet = await service.change(principal, wallet_id, body.settings(), expected=expected)
    tag(response, wallet.revision)
    return WalletOut.of(wallet)


@router.get("/wallets/{wallet_id}/grants", responses=_UNKNOWN | CURSOR)
async def list_grants(wallet_id: UUID, principal: Reader, service: Wallets, wanted: Wanted) -> GrantPage:
    """List what filled a wallet and what is left of it, the newest first."""
    before = entry_before(wanted.cursor)
    return GrantPage.of(await service.grants(principal, wallet_id, before=before, limit=wanted.limit))


@router.get("/wallets/{wallet_id}/top-ups", responses=_UNKNOWN | CURSOR)
async def list_top_ups(wallet_id: UUID, principal: Reader, service: TopUps, wanted: Wanted) -> TopUpPage:
    """List a wallet's top-ups, the newest first."""
    before = entry_before(wanted.cursor)
    return TopUpPage.of(await service.page(principal, wallet_id, before=before, limit=wanted.limit))


@router.post(
    "/wallets/{wallet_id}/top-ups",
    status_code=HTTPStatus.CREATED,
    responses=STRIPE
    | refusals(
        status_400=_AMOUNT,
        status_404="The organization has no such wallet, or no such payment method.",
        status_409="The organization has no payment method, or the request is under way.",
    ),
)
async def buy_credit(
    wallet_id: UUID, body: Annotated[BuyCredit, Body(openapi_examples=TOP_UP)], principal: Writer, service: Buying
) -> TopUpOut:
    """Buy credit. It is `pending` until the payment method was charged, and fills the wallet then."""
    return TopUpOut.of(await service.buy(principal, wallet_id, body.amount, method_id=body.payment_method_id))


@router.get("/wallets/{wallet_id}/top-ups/{top_up_id}", responses=refusals(status_404="The wallet has no such top-up."))
async def read_top_up(wallet_id: UUID, top_up_id: UUID, principal: Reader, service: TopUps) -> TopUpOut:
    """Show a top-up."""
    return TopUpOut.of(await service.find(principal, wallet_id, top_up_id))


@operator_router.post(
    "/accounts/{org_id}/grants",
    status_code=HTTPStatus.CREATED,
    responses=OPERATOR
    | refusals(status_400="It would have expired.", status_409="Other credit was given under this id."),
)
async def give_credit(
    org_id: UUID, body: Annotated[GiveCredit, Body(openapi_examples=CREDIT)], principal: Writer, service: Wallets
) -> GrantOut:
    """Give an organization credit, in its wallet of that currency, which is made where there is none.

    Choose an `id` to be able to ask for it again: it is given once.
    """
    return GrantOut.of(await service.give(principal, org_id, body.promotion()))
