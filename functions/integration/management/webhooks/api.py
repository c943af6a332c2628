"""Webhooks over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from integration.management import wiring as shared
from integration.management.webhooks import wiring
from integration.management.webhooks.delivering import DeliveryService
from integration.management.webhooks.schemas import (
    ChangeWebhook,
    CreateWebhook,
    DeliveryOut,
    DeliveryPage,
    EventTypesOut,
    TriedOut,
    WebhookOut,
    WebhookPage,
    WebhookWithSecretOut,
)
from integration.management.webhooks.service import WebhookService
from llmo_auth.guard import Allowed
from llmo_auth.idempotent_route import idempotent
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/webhooks", route_class=idempotent(shared.repeated_requests))
testing = APIRouter(prefix="/api/v1/webhooks")  # a test changes nothing, and takes longer than a transaction should

type Webhooks = Annotated[WebhookService, Depends(wiring.webhook_service)]
type Deliveries = Annotated[DeliveryService, Depends(wiring.delivery_service)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.WEBHOOKS_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.WEBHOOKS_WRITE))]

_UNKNOWN = refusals(status_404="The organization has no webhook with this id.")
_CURSOR = refusals(status_400="The cursor is not one of this API's.")
_NOT_CALLED = "The URL is not called."


@router.get("", responses=_CURSOR)
async def list_webhooks(principal: Reader, service: Webhooks, wanted: Wanted) -> WebhookPage:
    """List the organization's webhooks, the newest first."""
    return WebhookPage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.CREATED: {**TAGGED}}
    | refusals(
        status_400=_NOT_CALLED,
        status_409="The organization has as many webhooks as there may be, or the request is under way.",
    ),
)
async def create_webhook(
    body: CreateWebhook, principal: Writer, service: Webhooks, response: Response
) -> WebhookWithSecretOut:
    """Be told of events, as Standard Webhooks has it. The signing secret is in this answer, and in no other."""
    made = await service.create(principal, body.wanted())
    tag(response, made.webhook.version)
    return WebhookWithSecretOut.with_secret(made)


@router.get("/event-types")
async def list_event_types(_principal: Reader) -> EventTypesOut:
    """List what a webhook can be told of. `webhook.test` is sent to all of them, and asked for by none."""
    return EventTypesOut.all()


@router.get("/{webhook_id}", responses={HTTPStatus.OK: {**TAGGED}} | _UNKNOWN)
async def read_webhook(webhook_id: UUID, principal: Reader, service: Webhooks, response: Response) -> WebhookOut:
    """Show a webhook."""
    webhook = await service.find(principal, webhook_id)
    tag(response, webhook.version)
    return WebhookOut.of(webhook)


@router.patch(
    "/{webhook_id}",
    responses={HTTPStatus.OK: {**TAGGED}}
    | _UNKNOWN
    | refusals(status_400=_NOT_CALLED, status_412="The webhook has another version than `If-Match` says."),
)
async def change_webhook(
    webhook_id: UUID,
    body: ChangeWebhook,
    principal: Writer,
    service: Webhooks,
    response: Response,
    expected: Expected,
) -> WebhookOut:
    """Change a webhook. Events that were kept for it already are delivered to where it is now."""
    webhook = await service.change(principal, webhook_id, body.wanted(), expected=expected)
    tag(response, webhook.version)
    return WebhookOut.of(webhook)


@router.delete("/{webhook_id}", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
async def remove_webhook(webhook_id: UUID, principal: Writer, service: Webhooks) -> Response:
    """Remove a webhook, and forget its URL and its secrets. What waits to be delivered is given up."""
    await service.remove(principal, webhook_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/{webhook_id}/rotate-secret", responses={HTTPStatus.OK: {**TAGGED}} | _UNKNOWN)
async def rotate_secret(
    webhook_id: UUID, principal: Writer, service: Webhooks, response: Response
) -> WebhookWithSecretOut:
    """Sign with a new secret, and for 24 hours with the one before too; the new one is in this answer alone."""
    made = await service.rotate_secret(principal, webhook_id)
    tag(response, made.webhook.version)
    return WebhookWithSecretOut.with_secret(made)


@testing.post("/{webhook_id}/test", responses=_UNKNOWN)
async def try_webhook(webhook_id: UUID, principal: Writer, service: Deliveries) -> TriedOut:
    """Send a `webhook.test` event now, once. Whatever goes wrong there is in the answer, with 200."""
    return TriedOut.of(await service.test(principal, webhook_id))


@router.get("/{webhook_id}/deliveries", responses=_UNKNOWN | _CURSOR)
async def list_deliveries(webhook_id: UUID, principal: Reader, service: Deliveries, wanted: Wanted) -> DeliveryPage:
    """List what was delivered to a webhook in the last thirty days, and what was not; the newest first."""
    before = entry_before(wanted.cursor)
    return DeliveryPage.of(await service.page(principal, webhook_id, before=before, limit=wanted.limit))


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/retry",
    status_code=HTTPStatus.ACCEPTED,
    responses=refusals(
        status_404="The organization has no such webhook, or the webhook no such delivery.",
        status_409="The webhook is disabled, or the request is under way.",
    ),
)
async def retry_delivery(webhook_id: UUID, delivery_id: UUID, principal: Writer, service: Deliveries) -> DeliveryOut:
    """Have an event delivered again within a minute, whatever came of it before."""
    return DeliveryOut.of(await service.retry(principal, webhook_id, delivery_id))
