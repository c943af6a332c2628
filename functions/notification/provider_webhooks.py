"""Entry point of providers' webhooks: check the signature of what came, keep what is news, answer.

2xx: it is kept. 5xx: the provider tells it again. Everything else it need not tell again.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from llmo_core.clock import SystemClock
from llmo_core.errors import Forbidden, Invalid, LlmoError, NotFound, TooLarge, Unavailable
from llmo_core.loop import run
from llmo_core.observability import logger
from notification.receipts import sendgrid_events, twilio_callbacks, wiring
from notification.receipts.models import MalformedReceipts, Receipt, ReceiptsTooLarge

LARGEST_BODY: Final = 2**20  # SendGrid's are 768 KB at most
_STATUSES: Final = (
    (Invalid, HTTPStatus.BAD_REQUEST),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (TooLarge, HTTPStatus.CONTENT_TOO_LARGE),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)

type Event = Mapping[str, Any]


class UnknownProvider(NotFound):
    """Nobody tells anything at this address."""


def handler(event: Event, _context: object) -> dict[str, Any]:
    """Take one call, as API Gateway proxies it."""
    try:
        read = _READERS.get(str(event.get("resource") or event.get("path") or "").rstrip("/"))
        if read is None:
            raise UnknownProvider
        receipts = read(event, _body(event))
        news = run(wiring.taking().take(receipts)) if receipts else 0
    except LlmoError as error:
        status = next((status for kind, status in _STATUSES if isinstance(error, kind)), None)
        if status is None:
            raise
        logger().warning("webhook of a provider refused", extra={"reason": error.code, "detail": error.detail})
        return _refused(status, error)
    logger().info("webhook of a provider", extra={"receipts": len(receipts), "news": news})
    return {"statusCode": HTTPStatus.OK, "headers": {"content-type": "application/json"}, "body": "{}"}


def _sendgrid(event: Event, body: bytes) -> Sequence[Receipt]:
    signature, timestamp = _header(event, sendgrid_events.SIGNATURE), _header(event, sendgrid_events.TIMESTAMP)
    wiring.sendgrid_signatures().require(body, signature, timestamp)
    return sendgrid_events.read_events(body, SystemClock().now())


def _twilio(event: Event, body: bytes) -> Sequence[Receipt]:
    query: Mapping[str, str] = event.get("queryStringParameters") or {}
    form = twilio_callbacks.read_form(body)
    wiring.twilio_signatures().require(form, query, _header(event, twilio_callbacks.SIGNATURE))
    receipt = twilio_callbacks.read_callback(form, query, SystemClock().now())
    return [receipt] if receipt is not None else []


_READERS: Final[Mapping[str, Callable[[Event, bytes], Sequence[Receipt]]]] = {
    "/webhooks/sendgrid": _sendgrid,
    "/webhooks/twilio": _twilio,
}


def _body(event: Event) -> bytes:
    """The bytes that are signed. Raises ReceiptsTooLarge, MalformedReceipts."""
    body = event.get("body") or ""
    if len(body) > LARGEST_BODY * 2:  # however it is encoded
        raise ReceiptsTooLarge
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except (binascii.Error, UnicodeEncodeError) as error:
        raise MalformedReceipts from error
    if len(raw) > LARGEST_BODY:
        raise ReceiptsTooLarge
    return raw


def _header(event: Event, wanted: str) -> str | None:
    """A header; several are as good as none."""
    headers: Mapping[str, Sequence[str]] = event.get("multiValueHeaders") or {}
    found = [value for name, values in headers.items() if name.lower() == wanted for value in values]
    return found[0] if len(found) == 1 else None


def _refused(status: HTTPStatus, error: LlmoError) -> dict[str, Any]:
    problem = {
        "type": f"urn:llmo:problem:{error.code}",
        "title": status.phrase,
        "status": status,
        "detail": error.detail,
    }
    headers = {"content-type": "application/problem+json"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(problem)}
