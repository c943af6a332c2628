"""SendGrid's event webhook: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from llmo_core.clock import Clock
from notification.models import Status
from notification.providers.answers import said_by
from notification.receipts.models import (
    LONGEST_ADDRESS,
    MalformedReceipts,
    NotSigned,
    NoVerificationKey,
    Receipt,
    Suppression,
)

PROVIDER: Final = "sendgrid"
SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
TIMESTAMP: Final = "x-twilio-email-event-webhook-timestamp"
TOLERANCE: Final = timedelta(seconds=300)
"""How old a signature may be, or ahead of our clock."""
_MOST_EVENTS: Final = 10_000
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_EVENT_ID = re.compile(r"[\x21-\x7e]{1,200}")
_LONGEST_HEADER: Final = 512

type Meaning = tuple[Status, Suppression | None]

_MEANINGS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "processed": (Status.SENT, None),
        "deferred": (Status.SENT, None),
        "delivered": (Status.DELIVERED, None),
        "open": (Status.OPENED, None),
        "click": (Status.CLICKED, None),
        "bounce": (Status.BOUNCED, Suppression.BOUNCED),
        "dropped": (Status.FAILED, None),
        "spamreport": (Status.COMPLAINED, Suppression.COMPLAINED),
        "unsubscribe": (Status.DELIVERED, Suppression.UNSUBSCRIBED),
        "group_unsubscribe": (Status.DELIVERED, Suppression.UNSUBSCRIBED),
    }
)
_BLOCKED: Final[Meaning] = (Status.FAILED, None)  # a bounce of another day may be none: the mailbox is there
_DROPPED: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "bounced address": (Status.BOUNCED, Suppression.BOUNCED),
        "invalid": (Status.BOUNCED, Suppression.BOUNCED),
        "spam reporting address": (Status.FAILED, Suppression.COMPLAINED),
        "unsubscribed address": (Status.FAILED, Suppression.UNSUBSCRIBED),
    }
)


class EventSignatures:
    """Knows SendGrid's signatures: ECDSA P-256 with SHA-256, over the timestamp and the body as it came.

    Args:
        public_key: As SendGrid shows it: base64 of its DER. Raises NoVerificationKey unless it is one.
        clock: The time.
    """

    def __init__(self, public_key: str, clock: Clock) -> None:
        try:
            key = serialization.load_der_public_key(base64.b64decode(public_key, validate=True))
        except (ValueError, binascii.Error) as error:
            raise NoVerificationKey from error
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise NoVerificationKey
        self._key = key
        self._clock = clock

    def require(self, body: bytes, signature: str | None, timestamp: str | None) -> None:
        """Raise NotSigned unless exactly these bytes were signed, at most 300 seconds ago."""
        if signature is None or timestamp is None or len(signature) > _LONGEST_HEADER:
            raise NotSigned
        if _TIMESTAMP.fullmatch(timestamp) is None:
            raise NotSigned
        if abs(self._clock.now().timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
            raise NotSigned
        try:
            signed = base64.b64decode(signature, validate=True)
            self._key.verify(signed, timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, binascii.Error, ValueError) as error:
            raise NotSigned from error


def read_events(body: bytes, now: datetime) -> Sequence[Receipt]:
    """What events tell of our messages; those of others, and of other kinds, are left out.

    Raises MalformedReceipts when it is no list of SendGrid's at all.
    """
    try:
        events: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedReceipts from error
    if not isinstance(events, list) or len(events) > _MOST_EVENTS:
        raise MalformedReceipts
    if not all(isinstance(event, dict) for event in events):
        raise MalformedReceipts
    return [receipt for event in events if (receipt := _receipt(event, now)) is not None]


def _receipt(event: Mapping[str, Any], now: datetime) -> Receipt | None:
    event_id, message_id, meaning = event.get("sg_event_id"), event.get("message_id"), _meaning(event)
    if meaning is None or not isinstance(event_id, str) or _EVENT_ID.fullmatch(event_id) is None:
        return None
    try:
        ours = UUID(message_id) if isinstance(message_id, str) else None
    except ValueError:
        ours = None
    if ours is None:
        return None
    status, suppression = meaning
    return Receipt(
        provider=PROVIDER,
        event_id=event_id,
        message_id=ours,
        status=status,
        reason=_reason(event) if status in {Status.SENT, Status.FAILED, Status.BOUNCED} else None,
        occurred_at=_moment(event.get("timestamp"), now),
        suppression=suppression,
        provider_id=_provider_id(event.get("sg_message_id")),
        address=_address(event.get("email")),
    )


def _meaning(event: Mapping[str, Any]) -> Meaning | None:
    kind = event.get("event")
    if not isinstance(kind, str):
        return None
    if kind == "bounce" and event.get("type") == "blocked":
        return _BLOCKED
    if kind == "dropped":
        return _DROPPED.get(str(event.get("reason")).lower(), _MEANINGS[kind])
    return _MEANINGS.get(kind)


def _reason(event: Mapping[str, Any]) -> str | None:
    said = event.get("reason") or event.get("response")
    return (said_by(said) if isinstance(said, str) else "") or None


def _address(email: object) -> str | None:
    return email if isinstance(email, str) and 0 < len(email) <= LONGEST_ADDRESS else None


def _moment(timestamp: object, now: datetime) -> datetime:
    """When it happened; never in the future, and now where it is not said."""
    if isinstance(timestamp, bool) or not isinstance(timestamp, int | float):
        return now
    try:
        return min(datetime.fromtimestamp(timestamp, UTC), now)
    except (ValueError, OverflowError, OSError):
        return now


def _provider_id(sg_message_id: object) -> str | None:
    """What the request was answered with: the part before SendGrid's own additions."""
    found = sg_message_id.partition(".")[0] if isinstance(sg_message_id, str) else ""
    return found if _EVENT_ID.fullmatch(found) else None
