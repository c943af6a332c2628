"""Notifications over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query

from llmo_auth.idempotent_route import idempotent
from llmo_core.http.documentation import refusals
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before
from notification import wiring as shared
from notification.callers import CURSOR, Reader, Writer
from notification.requests import wiring
from notification.requests.log import DeliveryLog
from notification.requests.message_schemas import (
    Erase,
    Erased,
    MessageOut,
    MessagePage,
    MessageQuery,
    MessageWithHistoryOut,
)
from notification.requests.schemas import (
    EXAMPLES,
    BatchOut,
    NotificationOut,
    NotificationPage,
    ProgressOut,
    SendBatch,
    SendNotification,
)
from notification.requests.service import RequestService

_idempotent = idempotent(shared.repeated_requests)
router = APIRouter(prefix="/api/v1/notifications", route_class=_idempotent)

type Requests = Annotated[RequestService, Depends(wiring.request_service)]
type Log = Annotated[DeliveryLog, Depends(wiring.delivery_log)]

_REFUSED = refusals(
    status_400="The kind is one of the platform's own, the time too far away, or a number's country not served.",
    status_403="The caller lacks `notifications:write`, or writes to people without an account.",
    status_404="There is no notification of this kind.",
)
_UNKNOWN = refusals(status_404="The organization has no such notification.")
_UNKNOWN_MESSAGE = refusals(status_404="The organization has no such message.")


@router.get("", responses=CURSOR)
async def list_notifications(principal: Reader, service: Requests, wanted: Wanted) -> NotificationPage:
    """List the organization's notifications, those of the platform's own events included, the newest first."""
    page = await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit)
    return NotificationPage.of(page)


@router.post("", status_code=HTTPStatus.ACCEPTED, responses=_REFUSED)
async def send_notification(
    body: Annotated[SendNotification, Body(openapi_examples=dict(EXAMPLES))], principal: Writer, service: Requests
) -> NotificationOut:
    """Have people be told something, now or later, on the channels that they want it on.

    Who has muted its category gets nothing, and whose quiet hours it falls into gets it when they end.
    """
    return NotificationOut.of(await service.request(principal, body.new()))


@router.post("/batch", status_code=HTTPStatus.ACCEPTED, responses=_REFUSED)
async def send_batch(body: SendBatch, principal: Writer, service: Requests) -> BatchOut:
    """Send a hundred notifications at most: all of them are taken, or none."""
    taken = await service.request_all(principal, [each.new() for each in body.notifications])
    return BatchOut(data=[NotificationOut.of(each) for each in taken])


@router.post("/erasures", responses=refusals(status_403="The caller lacks `notifications:write`."))
async def erase_messages(body: Erase, principal: Writer, log: Log) -> Erased:
    """Forget the addresses, names and contents of the organization's messages to somebody; what waits is not sent."""
    return Erased(messages=await log.erase(principal, user_id=body.user_id, address=body.address))


@router.get("/messages", responses=CURSOR)
async def list_messages(principal: Reader, log: Log, wanted: Annotated[MessageQuery, Query()]) -> MessagePage:
    """Look for messages, by recipient, channel, status, kind or notification; the newest first."""
    page = await log.page(principal, wanted.search(), before=entry_before(wanted.cursor), limit=wanted.limit)
    return MessagePage.of(page)


@router.get("/messages/{message_id}", responses=_UNKNOWN_MESSAGE)
async def read_message(message_id: UUID, principal: Reader, log: Log) -> MessageWithHistoryOut:
    """Show a message with every attempt to send it, and what the providers told of it."""
    return MessageWithHistoryOut.with_history(*await log.find(principal, message_id))


@router.post(
    "/messages/{message_id}/resend",
    status_code=HTTPStatus.ACCEPTED,
    responses=_UNKNOWN_MESSAGE | refusals(status_409="The message still waits, or nothing is kept of what it said."),
)
async def resend_message(message_id: UUID, principal: Writer, log: Log) -> MessageOut:
    """Send a message again, as its template is now."""
    return MessageOut.of(await log.resend(principal, message_id))


@router.get("/{notification_id}", responses=_UNKNOWN)
async def read_notification(notification_id: UUID, principal: Reader, service: Requests) -> ProgressOut:
    """Show a notification, and how many of its messages are how far."""
    return ProgressOut.with_messages(await service.find(principal, notification_id))


@router.post(
    "/{notification_id}/cancel", responses=_UNKNOWN | refusals(status_409="All of its messages are on their way.")
)
async def cancel_notification(notification_id: UUID, principal: Writer, service: Requests) -> ProgressOut:
    """Send nothing more of a notification; messages that are on their way arrive. Safe to repeat."""
    return ProgressOut.with_messages(await service.cancel(principal, notification_id))
