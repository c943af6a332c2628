"""Twilio's status callbacks: https://www.twilio.com/docs/messaging/guides/track-outbound-message-status."""

import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from twilio.request_validator import RequestValidator, add_port, remove_port

from notification.models import Status
from notification.providers.callbacks import status_callback
from notification.receipts.models import MalformedReceipts, NotSigned, NoVerificationKey, Receipt, Suppression

PROVIDER: Final = "twilio"
SIGNATURE: Final = "x-twilio-signature"
PATH: Final = "/webhooks/twilio"
_MOST_FIELDS: Final = 100
_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}")
_CODE = re.compile(r"[0-9]{1,6}")
_STATUSES: Final[Mapping[str, Status]] = MappingProxyType(
    {
        "accepted": Status.SENT,
        "scheduled": Status.SENT,
        "queued": Status.SENT,
        "sending": Status.SENT,
        "sent": Status.SENT,
        "delivered": Status.DELIVERED,
        "read": Status.OPENED,
        "undelivered": Status.FAILED,
        "failed": Status.FAILED,
        "canceled": Status.FAILED,
    }
)
_NO_SUCH_NUMBER: Final = frozenset({"21211", "21214", "21614", "30005", "30006"})
"""The number is not in use, or of a landline. 30003 is a telephone that is switched off."""
_UNSUBSCRIBED: Final = "21610"


class CallbackSignatures:
    """Knows Twilio's signatures: https://www.twilio.com/docs/usage/security#validating-requests

    Args:
        auth_token: The account's. Raises NoVerificationKey when it is empty.
        public_url: Where this API is; Twilio signs the address that it was given.
    """  # noqa: D415 - it ends with its source

    def __init__(self, auth_token: str, public_url: str) -> None:
        if not auth_token.strip():
            raise NoVerificationKey
        self._validator = RequestValidator(auth_token)
        self._base = public_url.rstrip("/") + PATH

    def require(self, form: Mapping[str, str], query: Mapping[str, str], signature: str | None) -> None:
        """Raise NotSigned unless this form was posted to our address for this message."""
        url = urlsplit(status_callback(self._base, query.get("message_id", ""), query.get("org_id", "")))
        # Twilio signs with the port or without, which its own SDK knows no rule for either.
        expected = [self._validator.compute_signature(each, dict(form)) for each in (add_port(url), remove_port(url))]
        given = (signature or "").encode()
        if not any([hmac.compare_digest(each.encode(), given) for each in expected]):  # noqa: C419 - in constant time
            raise NotSigned


def read_form(body: bytes) -> Mapping[str, str]:
    """The form of a call. Raises MalformedReceipts."""
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise MalformedReceipts from error
    form = dict(fields)
    if len(form) != len(fields):
        raise MalformedReceipts
    return form


def read_callback(form: Mapping[str, str], query: Mapping[str, str], now: datetime) -> Receipt | None:
    """What a call tells; None where it is nothing that we know. Raises MalformedReceipts."""
    sid, status = form.get("MessageSid", ""), form.get("MessageStatus", "")
    if _SID.fullmatch(sid) is None:
        raise MalformedReceipts
    try:
        message_id = UUID(query.get("message_id", ""))
    except ValueError as error:
        raise MalformedReceipts from error
    meaning = _STATUSES.get(status)
    if meaning is None:
        return None
    code = form.get("ErrorCode", "")
    known = code if _CODE.fullmatch(code) else ""
    no_such_number = meaning is Status.FAILED and known in _NO_SUCH_NUMBER
    unsubscribed = Suppression.UNSUBSCRIBED if known == _UNSUBSCRIBED else None
    return Receipt(
        provider=PROVIDER,
        event_id=f"{sid}:{status}",
        message_id=message_id,
        status=Status.BOUNCED if no_such_number else meaning,
        reason=f"Error {known} of Twilio's." if known else None,
        occurred_at=now,
        suppression=Suppression.BOUNCED if no_such_number else unsubscribed,
        provider_id=sid,
        address=number if _NUMBER.fullmatch(number := form.get("To", "")) is not None else None,
    )
