"""Payment methods over HTTP, and the forms and pages of Stripe's that save them."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from billing import wiring as shared
from billing.callers import CURSOR, STRIPE, Reader, Writer
from billing.payments import wiring
from billing.payments.saved_methods import MethodService
from billing.payments.schemas import (
    CreateCheckoutSession,
    CreatePortalSession,
    HostedPageOut,
    MethodOut,
    MethodPage,
    SetupOut,
)
from billing.payments.showing import HostedPages
from llmo_auth.idempotent_route import idempotent
from llmo_core.http.documentation import refusals
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/billing", route_class=idempotent(shared.repeated_requests))

type Methods = Annotated[MethodService, Depends(wiring.method_service)]
type Hosted = Annotated[HostedPages, Depends(wiring.hosted_pages)]
type PublishableKey = Annotated[str | None, Depends(wiring.publishable_key)]

_UNKNOWN = refusals(status_404="There is no payment method with this id.")


@router.get("/payment-methods", responses=CURSOR | STRIPE)
async def list_payment_methods(principal: Reader, service: Methods, wanted: Wanted) -> MethodPage:
    """List the saved cards and other ways to pay, the newest first."""
    return MethodPage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.post("/payment-methods/{method_id}/default", responses=_UNKNOWN | STRIPE)
async def prefer_payment_method(method_id: UUID, principal: Writer, service: Methods) -> MethodOut:
    """Charge this one where no other is named."""
    return MethodOut.of(await service.make_default(principal, method_id))


@router.delete("/payment-methods/{method_id}", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN | STRIPE)
async def detach_payment_method(method_id: UUID, principal: Writer, service: Methods) -> None:
    """Forget a card: it is never charged again. What is under way with it goes on."""
    await service.detach(principal, method_id)


@router.post("/setup-intents", status_code=HTTPStatus.CREATED, responses=STRIPE)
async def begin_setup(principal: Writer, service: Methods, publishable_key: PublishableKey) -> SetupOut:
    """Begin to save a card with Stripe.js. It is in the list a moment after the browser is done."""
    return SetupOut.of(await service.begin_setup(principal), publishable_key)


@router.post("/checkout-sessions", status_code=HTTPStatus.CREATED, responses=STRIPE)
async def create_checkout_session(body: CreateCheckoutSession, principal: Writer, pages: Hosted) -> HostedPageOut:
    """Begin to save a card on a page of Stripe's."""
    url = await pages.checkout(principal, success_url=body.success_url, cancel_url=body.cancel_url)
    return HostedPageOut(url=url)


@router.post(
    "/portal-sessions",
    status_code=HTTPStatus.CREATED,
    responses=STRIPE | refusals(status_409="This deployment has no billing portal, or the request is under way."),
)
async def create_portal_session(body: CreatePortalSession, principal: Writer, pages: Hosted) -> HostedPageOut:
    """Begin to look after the saved cards on a page of Stripe's."""
    return HostedPageOut(url=await pages.portal(principal, return_url=body.return_url))
