"""Subscriptions over HTTP; `billing.paid_changes.routes` changes them."""

from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from billing import wiring as shared
from billing.callers import CURSOR, Reader, Writer
from billing.subscriptions import wiring
from billing.subscriptions.models import Subscription
from billing.subscriptions.schemas import (
    CancelSubscription,
    StartSubscription,
    SubscriptionOut,
    SubscriptionPage,
)
from billing.subscriptions.service import SubscriptionService
from llmo_auth.idempotent_route import idempotent
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/billing/subscriptions", route_class=idempotent(shared.repeated_requests))

type Subscriptions = Annotated[SubscriptionService, Depends(wiring.subscription_service)]

_TAGGED: Final[dict[int | str, dict[str, Any]]] = {HTTPStatus.OK: {**TAGGED}}
_UNKNOWN = refusals(status_404="The organization has no subscription with this id.")
_STALE = refusals(status_412="The subscription has another revision than `If-Match` says.")


@router.get("", responses=CURSOR)
async def list_subscriptions(principal: Reader, service: Subscriptions, wanted: Wanted) -> SubscriptionPage:
    """List the organization's subscriptions, the newest first: one live at most, and those that have ended."""
    before = entry_before(wanted.cursor)
    return SubscriptionPage.of(await service.page(principal.org_id, before=before, limit=wanted.limit))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.CREATED: {**TAGGED}}
    | refusals(
        status_404="There is no plan with this id that the caller may see.",
        status_409="The organization has a live subscription, whose id is in `subscription_id`; or the plan, or its"
        " version, is not offered; or the request is under way.",
    ),
)
async def start_subscription(
    body: StartSubscription, principal: Writer, service: Subscriptions, response: Response
) -> SubscriptionOut:
    """Subscribe to a plan from today on. An organization's first subscription begins with the plan's trial."""
    subscription = await service.start(principal, body.plan_id, version=body.version, seats=body.seats)
    return _answer(subscription, response)


@router.get("/{subscription_id}", responses=_TAGGED | _UNKNOWN)
async def read_subscription(
    subscription_id: UUID, principal: Reader, service: Subscriptions, response: Response
) -> SubscriptionOut:
    """Show a subscription as it is now, with everything that was had before."""
    return _answer(await service.find(principal.org_id, subscription_id), response)


@router.post(
    "/{subscription_id}/cancel",
    responses=_TAGGED
    | _UNKNOWN
    | _STALE
    | refusals(status_409="The subscription has ended already, or the request is under way."),
)
async def cancel_subscription(
    subscription_id: UUID,
    body: CancelSubscription,
    principal: Writer,
    service: Subscriptions,
    response: Response,
    expected: Expected,
) -> SubscriptionOut:
    """End a subscription, with its period or now. What is paused has no period under way and ends now."""
    return _answer(await service.cancel(principal, subscription_id, **dict(body), expected=expected), response)


@router.post(
    "/{subscription_id}/pause",
    responses=_TAGGED
    | _UNKNOWN
    | _STALE
    | refusals(status_409="The subscription has ended, or will with its period; or the request is under way."),
)
async def pause_subscription(
    subscription_id: UUID, principal: Writer, service: Subscriptions, response: Response, expected: Expected
) -> SubscriptionOut:
    """Pause a subscription when its period has ended. Nothing is billed then, and nothing can be used."""
    return _answer(await service.pause(principal, subscription_id, expected=expected), response)


@router.post(
    "/{subscription_id}/resume",
    responses=_TAGGED
    | _UNKNOWN
    | _STALE
    | refusals(status_409="It has ended, or is neither cancelled nor paused; or the request is under way."),
)
async def resume_subscription(
    subscription_id: UUID, principal: Writer, service: Subscriptions, response: Response, expected: Expected
) -> SubscriptionOut:
    """Go on with a subscription that would end or be paused with its period, or is paused: a cycle begins then."""
    return _answer(await service.resume(principal, subscription_id, expected=expected), response)


def _answer(subscription: Subscription, response: Response) -> SubscriptionOut:
    tag(response, subscription.revision)
    return SubscriptionOut.now(subscription)
