"""Entry point of providers' webhooks: check the signature of what came, keep what is news, answer.

2xx: it is kept. 5xx: the provider tells it again. Everything else it need not tell again.
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from llmo_core.clock import SystemClock
from llmo_core.cold_starts import Counting
from llmo_core.errors import Forbidden, Invalid, LlmoError, NotFound, TooLarge, Unavailable
from llmo_core.http.signed_webhooks import Event, only_header, raw_body, refused, taken
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


class UnknownProvider(NotFound):
    """Nobody tells anything at this address."""


@Counting
def handler(event: Event, _context: object) -> dict[str, Any]:
    """Take one call, as API Gateway proxies it."""
    try:
        read = _READERS.get(str(event.get("resource") or event.get("path") or "").rstrip("/"))
        if read is None:
            raise UnknownProvider
        body = raw_body(event, largest=LARGEST_BODY, too_large=ReceiptsTooLarge, malformed=MalformedReceipts)
        receipts = read(event, body)
        news = run(wiring.taking().take(receipts)) if receipts else 0
    except LlmoError as error:
        answer = refused(error, _STATUSES)
        if answer is None:
            raise
        logger().warning("webhook of a provider refused", extra={"reason": error.code, "detail": error.detail})
        return answer
    logger().info("webhook of a provider", extra={"receipts": len(receipts), "news": news})
    return taken()


def _sendgrid(event: Event, body: bytes) -> Sequence[Receipt]:
    signature, timestamp = only_header(event, sendgrid_events.SIGNATURE), only_header(event, sendgrid_events.TIMESTAMP)
    wiring.sendgrid_signatures().require(body, signature, timestamp)
    return sendgrid_events.read_events(body, SystemClock().now())


def _twilio(event: Event, body: bytes) -> Sequence[Receipt]:
    query: Mapping[str, str] = event.get("queryStringParameters") or {}
    form = twilio_callbacks.read_form(body)
    wiring.twilio_signatures().require(form, query, only_header(event, twilio_callbacks.SIGNATURE))
    receipt = twilio_callbacks.read_callback(form, query, SystemClock().now())
    return [receipt] if receipt is not None else []


_READERS: Final[Mapping[str, Callable[[Event, bytes], Sequence[Receipt]]]] = {
    "/webhooks/sendgrid": _sendgrid,
    "/webhooks/twilio": _twilio,
}
