"""What SES tells by EventBridge: https://docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html.

What is in `detail` is told of by https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parseaddr
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from notification.models import Status
from notification.providers.answers import said_by
from notification.receipts.models import LONGEST_ADDRESS, MalformedReceipts, Receipt, Suppression

PROVIDER: Final = "ses"
TAG: Final = "message_id"
"""Which tag of a mail has our id, as `notification.providers.ses` writes it."""
_SOURCE: Final = "aws.ses"
_SES_ID = re.compile(r"[\x21-\x7e]{1,90}")
_ON_THE_ACCOUNTS_LIST: Final = "OnAccountSuppressionList"
_NOT_SPAM: Final = "not-spam"

type Meaning = tuple[Status, Suppression | None]

_PARTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Send": "send",
        "Delivery": "delivery",
        "DeliveryDelay": "deliveryDelay",
        "Bounce": "bounce",
        "Complaint": "complaint",
        "Reject": "reject",
    }
)
"""Where in `detail` there is more, by `eventType`."""
_MEANINGS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "Send": (Status.SENT, None),
        "Delivery": (Status.DELIVERED, None),
        "DeliveryDelay": (Status.SENT, None),
        "Reject": (Status.FAILED, None),
    }
)


def read_event(body: str, now: datetime) -> Receipt | None:
    """What an event tells of one of our messages; None where it is about another mail, or says nothing that counts.

    Raises MalformedReceipts when it is no event of SES's.
    """
    try:
        event: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedReceipts from error
    detail = _fields(event, "detail")
    mail = _fields(detail, "mail")
    if not mail or event.get("source") != _SOURCE:
        raise MalformedReceipts
    kind, ses_id, ours = str(detail.get("eventType")), str(mail.get("messageId")), _our_id(_fields(mail, "tags"))
    told = _fields(detail, _PARTS.get(kind, ""))
    meaning = _meaning(kind, told)
    if meaning is None or ours is None or _SES_ID.fullmatch(ses_id) is None:
        return None
    status, suppression = meaning
    moment = told.get("timestamp") or mail.get("timestamp")
    return Receipt(
        provider=PROVIDER,
        event_id=f"{ses_id}:{kind}:{_once(told.get('feedbackId') or moment)}",
        message_id=ours,
        status=status,
        reason=_reason(told) if status in {Status.SENT, Status.FAILED, Status.BOUNCED} else None,
        occurred_at=_moment(moment, now),
        suppression=suppression,
        provider_id=ses_id,
        address=_address(mail.get("destination")),
    )


def _fields(parent: object, name: str) -> Mapping[str, Any]:
    found = parent.get(name) if isinstance(parent, dict) else None
    return found if isinstance(found, dict) else {}


def _our_id(tags: Mapping[str, Any]) -> UUID | None:
    values = tags.get(TAG)
    if not isinstance(values, list) or len(values) != 1 or not isinstance(values[0], str):
        return None
    try:
        return UUID(values[0])
    except ValueError:
        return None


def _meaning(kind: str, told: Mapping[str, Any]) -> Meaning | None:
    """What becomes of the message, and of its address. A mailbox that is full, or away, is still one."""
    if kind == "Bounce":
        permanent = told.get("bounceType") == "Permanent"
        return (Status.BOUNCED, Suppression.BOUNCED) if permanent else (Status.FAILED, None)
    if kind == "Complaint":
        if told.get("complaintFeedbackType") == _NOT_SPAM:  # the opposite of one
            return None
        sent = told.get("complaintSubType") != _ON_THE_ACCOUNTS_LIST
        return Status.COMPLAINED if sent else Status.FAILED, Suppression.COMPLAINED
    return _MEANINGS.get(kind)


def _reason(told: Mapping[str, Any]) -> str | None:
    """What the recipient's server said, else in which class SES puts it."""
    recipients = next((told[name] for name in ("bouncedRecipients", "delayedRecipients") if name in told), None)
    first = recipients[0] if isinstance(recipients, list) and recipients else None
    said = first.get("diagnosticCode") if isinstance(first, dict) else told.get("reason")
    named = [told.get(name) for name in ("bounceType", "bounceSubType", "complaintSubType", "delayType")]
    classed = ", ".join(each for each in named if isinstance(each, str))
    return (said_by(said) if isinstance(said, str) else "") or said_by(classed) or None


def _once(told: object) -> str:
    """What tells two events of one kind and mail apart."""
    return told if isinstance(told, str) and _SES_ID.fullmatch(told) is not None else ""


def _moment(timestamp: object, now: datetime) -> datetime:
    """When it happened; never in the future, and now where it is not said."""
    try:
        told = datetime.fromisoformat(timestamp) if isinstance(timestamp, str) else now
    except ValueError:
        return now
    return min(told if told.tzinfo is not None else told.replace(tzinfo=UTC), now)


def _address(destination: object) -> str | None:
    """Of a mail to one recipient, as all of ours are."""
    if not isinstance(destination, list) or len(destination) != 1 or not isinstance(destination[0], str):
        return None
    _, address = parseaddr(destination[0])
    return address if 0 < len(address) <= LONGEST_ADDRESS else None
