"""Stripe's webhook events as they arrive: their signatures, and what we keep of them.

Here is nothing but the standard library and our own models: the function that takes them answers within 100 ms.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from llmo_core.clock import Clock
from llmo_core.errors import Invalid, LlmoError, Unavailable
from llmo_core.model import Model

TOLERANCE: Final = timedelta(seconds=300)
"""How old a signature may be: https://docs.stripe.com/webhooks#replay-attacks"""
KEPT_FOR: Final = timedelta(days=30)
"""How long it is remembered that an event came: Stripe sends none again after three days, a person may after thirty."""
DECLINED: Final = "payment_intent.payment_failed"
HANDLED: Final = frozenset(
    {
        "payment_intent.succeeded",
        DECLINED,
        "payment_intent.canceled",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "setup_intent.succeeded",
        "payment_method.attached",
        "payment_method.detached",
        "payment_method.updated",
        "payment_method.automatically_updated",
        "customer.updated",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)
"""The types of events that anything comes of."""

_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_LONGEST_HEADER = 4096
_LONGEST_NAME = 255


class NotSignedByStripe(Invalid):
    """The event has no valid signature of Stripe's, or an old one."""


class MalformedEvent(Invalid):
    """The body is no event of Stripe's."""


class EventTooLarge(LlmoError):
    """The body is larger than any event of Stripe's."""


class NoWebhookSecret(LlmoError):
    """There is no signing secret, or an empty one: anybody could sign with it."""


class NotNoted(Unavailable):
    """The event could not be passed on: Stripe sends it again."""


class Notice(Model):
    """That something happened at Stripe.

    Attributes:
        id: Stripe's, the same at every delivery.
        type: What happened.
        object_id: To what.
    """

    id: str
    type: str
    object_id: str


class Signatures:
    """Knows Stripe's signatures (scheme v1): https://docs.stripe.com/webhooks#verify-manually

    Args:
        secrets: All that may have signed: two while one is replaced by the other. Raises NoWebhookSecret unless there
            is one, and none is empty.
        clock: The time.
    """  # noqa: D415 - it ends with its source

    def __init__(self, secrets: Sequence[str], clock: Clock) -> None:
        if not secrets or not all(secret.strip() for secret in secrets):
            raise NoWebhookSecret
        self._secrets = [secret.strip().encode() for secret in secrets]
        self._clock = clock

    def require(self, body: bytes, header: str | None) -> None:
        """Raise NotSignedByStripe unless the header signs exactly these bytes, at most 300 seconds ago."""
        timestamp, signatures = _parsed(header or "")
        age = abs(self._clock.now().timestamp() - int(timestamp))
        if age > TOLERANCE.total_seconds():
            raise NotSignedByStripe
        signed = timestamp.encode() + b"." + body
        expected = [hmac.new(secret, signed, hashlib.sha256).hexdigest() for secret in self._secrets]
        # All are compared: how long it takes tells nothing of which secret it was.
        if not any([hmac.compare_digest(mine, theirs) for mine in expected for theirs in signatures]):  # noqa: C419
            raise NotSignedByStripe


def _parsed(header: str) -> tuple[str, list[str]]:
    if len(header) > _LONGEST_HEADER:
        raise NotSignedByStripe
    items = [item.strip().partition("=") for item in header.split(",")]
    timestamps = [value for name, _, value in items if name == "t" and _TIMESTAMP.fullmatch(value)]
    signatures = [value for name, _, value in items if name == "v1" and _SIGNATURE.fullmatch(value)]
    if len(timestamps) != 1 or not signatures:
        raise NotSignedByStripe
    return timestamps[0], signatures


class Notices(Protocol):
    """Where it is kept which events came."""

    async def note(self, notice: Notice, now: datetime, expires_at: datetime) -> bool:
        """Keep one unless it is kept; whether anything is left to do about it."""
        ...

    async def processed(self, notice_id: str, now: datetime) -> None:
        """Note that nothing is left to do about it."""
        ...


class Arriving:
    """Takes webhook events: keeps each once, and passes on what there is something to do about.

    Args:
        enqueue: Has a notice applied later. Raises Unavailable.
    """

    def __init__(
        self,
        *,
        signatures: Signatures,
        notices: Notices,
        enqueue: Callable[[Notice], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._signatures = signatures
        self._notices = notices
        self._enqueue = enqueue
        self._clock = clock

    async def take(self, body: bytes, signature: str | None) -> None:
        """Take one event; when this returns it is kept, and never lost.

        A repetition is passed on again only when the first one has not been applied: it may have been lost between
        the two. Raises NotSignedByStripe, MalformedEvent, Unavailable.
        """
        self._signatures.require(body, signature)
        notice = read_event(body)
        if notice.type not in HANDLED:
            return
        now = self._clock.now()
        if await self._notices.note(notice, now, now + KEPT_FOR):
            await self._enqueue(notice)


def read_event(body: bytes) -> Notice:
    """What an event tells. Raises MalformedEvent."""
    try:
        event: Any = json.loads(body)
        found = (event["id"], event["type"], event["data"]["object"]["id"])
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise MalformedEvent from error
    if not all(isinstance(text, str) and 0 < len(text) <= _LONGEST_NAME and "\x00" not in text for text in found):
        raise MalformedEvent
    return Notice(id=found[0], type=found[1], object_id=found[2])
