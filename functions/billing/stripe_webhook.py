"""Entry point of Stripe's webhooks: check the signature of the raw body, keep the event once, pass it on, answer.

Nothing is applied here, and nothing of the body is believed but the names of the event and of its object.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from billing.payments import webhook_wiring as wiring
from billing.payments.notices import EventTooLarge, MalformedEvent, NoWebhookSecret
from llmo_core.errors import Invalid, LlmoError, Unavailable
from llmo_core.loop import run
from llmo_core.observability import logger

LARGEST_BODY: Final = 2**20
_SIGNATURE: Final = "stripe-signature"
_STATUSES: Final = (
    (Invalid, HTTPStatus.BAD_REQUEST),
    (EventTooLarge, HTTPStatus.CONTENT_TOO_LARGE),
    (NoWebhookSecret, HTTPStatus.SERVICE_UNAVAILABLE),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Take one event, as API Gateway proxies it. 2xx: it is kept. Anything else: Stripe sends it again."""
    try:
        run(wiring.arriving().take(_body(event), _signature(event)))
    except LlmoError as error:
        status = next((status for kind, status in _STATUSES if isinstance(error, kind)), None)
        if status is None:
            raise
        logger().warning("webhook of Stripe's refused", extra={"reason": error.code, "detail": error.detail})
        return _refused(status, error)
    return {"statusCode": HTTPStatus.OK, "headers": {"content-type": "application/json"}, "body": "{}"}


def _body(event: Mapping[str, Any]) -> bytes:
    """The bytes that are signed. Raises EventTooLarge, MalformedEvent."""
    body = event.get("body") or ""
    if len(body) > LARGEST_BODY * 2:  # however it is encoded
        raise EventTooLarge
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except (binascii.Error, UnicodeEncodeError) as error:
        raise MalformedEvent from error
    if len(raw) > LARGEST_BODY:
        raise EventTooLarge
    return raw


def _signature(event: Mapping[str, Any]) -> str | None:
    """The header; several are as good as none."""
    found = [
        value
        for name, values in (event.get("multiValueHeaders") or {}).items()
        if name.lower() == _SIGNATURE
        for value in values
    ]
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
