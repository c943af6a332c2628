"""Entry point of Stripe's webhooks: check the signature of the raw body, keep the event once, pass it on, answer.

Nothing is applied here, and nothing of the body is believed but the names of the event and of its object.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from billing.payments import webhook_wiring as wiring
from billing.payments.notices import EventTooLarge, MalformedEvent, NoWebhookSecret
from llmo_core.cold_starts import Counting
from llmo_core.errors import Invalid, LlmoError, Unavailable
from llmo_core.http.signed_webhooks import only_header, raw_body, refused, taken
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


@Counting
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Take one event, as API Gateway proxies it. 2xx: it is kept. Anything else: Stripe sends it again."""
    try:
        body = raw_body(event, largest=LARGEST_BODY, too_large=EventTooLarge, malformed=MalformedEvent)
        run(wiring.arriving().take(body, only_header(event, _SIGNATURE)))
    except LlmoError as error:
        answer = refused(error, _STATUSES)
        if answer is None:
            raise
        logger().warning("webhook of Stripe's refused", extra={"reason": error.code, "detail": error.detail})
        return answer
    return taken()
