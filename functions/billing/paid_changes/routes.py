"""Changes of subscriptions over HTTP: those that take effect at once, and those that are paid for first."""

from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from billing import wiring as shared
from billing.callers import Reader, Writer
from billing.paid_changes import wiring
from billing.paid_changes.requesting import PaidChangeService
from billing.paid_changes.schemas import ChangeWithPayment, PaidChangeOut, PaymentBefore
from billing.subscriptions.schemas import SubscriptionOut
from billing.subscriptions.service import SubscriptionService
from billing.subscriptions.wiring import subscription_service
from llmo_auth.idempotent_route import idempotent
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag

router = APIRouter(prefix="/api/v1/billing/subscriptions", route_class=idempotent(shared.repeated_requests))

type Subscriptions = Annotated[SubscriptionService, Depends(subscription_service)]
type PaidChanges = Annotated[PaidChangeService, Depends(wiring.paid_change_service)]

_ACCEPTED: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.OK: {**TAGGED},
    HTTPStatus.ACCEPTED: {
        "model": PaidChangeOut,
        "description": "The change is to be paid for first; `Location` says where to look what becomes of it.",
    },
}


@router.post(
    "/{subscription_id}/change",
    response_model=SubscriptionOut,
    responses=_ACCEPTED
    | refusals(
        status_400="The plan is in another currency.",
        status_404="The organization has no subscription with this id, or there is no plan with this id.",
        status_409="The subscription has ended, is paused, or will end or be paused; or the plan, or its version, is"
        " not offered; or the request is under way. Of one that is to be paid for first also: another one is under way,"
        " whose id is in `change_id`, or the change comes with the next period.",
        status_412="The subscription has another revision than `If-Match` says.",
    ),
)
async def change_subscription(
    subscription_id: UUID,
    body: ChangeWithPayment,
    principal: Writer,
    service: Subscriptions,
    paid: PaidChanges,
    response: Response,
    expected: Expected,
) -> SubscriptionOut | Response:
    """Change the plan, its version, or the seats: at once, or with the next period, or once that is paid for.

    The day of a change belongs to what is changed to. A change that is pending is replaced by another one.
    """
    wanted: dict[str, Any] = {name: value for name, value in body if name != "payment"}
    if body.payment is PaymentBefore.REQUIRED:
        change = await paid.request(principal, subscription_id, **wanted, expected=expected)
        return Response(
            PaidChangeOut.showing(change).model_dump_json(),
            HTTPStatus.ACCEPTED,
            headers={"location": f"{router.prefix}/{subscription_id}/changes/{change.id}"},
            media_type="application/json",
        )
    subscription = await service.change(principal, subscription_id, **wanted, expected=expected)
    tag(response, subscription.revision)
    return SubscriptionOut.now(subscription)


@router.get(
    "/{subscription_id}/changes/{change_id}",
    responses=refusals(status_404="The subscription has no change with this id that is paid for first."),
)
async def read_change(subscription_id: UUID, change_id: UUID, principal: Reader, service: PaidChanges) -> PaidChangeOut:
    """Show a change that is paid for first: what is charged, and what has become of it."""
    return PaidChangeOut.showing(await service.find(principal, subscription_id, change_id))
