"""A stand-in for Twilio's API, as far as its SDK is used to send text messages.

Twilio's own test numbers do here what they do there (https://www.twilio.com/docs/iam/test-credentials): to
+15005550001 (none), ...0002 (cannot be reached), ...0003 (not allowed), ...0004 (wants no more), ...0009 (no mobile);
from +15005550001 (none), ...0007 (not yours), ...0008 (queue full). Numbers that end with 30003 to 30008 are taken, and
told of as `undelivered` with that error; numbers that end with 9999 are never heard of again. Everybody else gets it.

Any account that begins with `AC` is good, with any token that does not begin with `wrong`.
It lacks: everything that is no message, media, messaging services' senders, prices.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from local.vendors.message_records import Records

type Json = dict[str, Any]
type Tell = Callable[[str, Mapping[str, str], str], None]

_VERSION: Final = "2010-04-01"
_LONGEST: Final = 1600
_TO: Final = {
    "+15005550001": (21211, "Invalid 'To' Phone Number"),
    "+15005550002": (21612, "The 'To' phone number is not currently reachable"),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region"),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number is not a valid mobile number"),
}
_FROM: Final = {
    "+15005550001": (21212, "Invalid 'From' Phone Number"),
    "+15005550007": (21606, "The 'From' phone number is not a valid, SMS-capable number for your account"),
    "+15005550008": (21611, "This 'From' number has exceeded the maximum number of queued messages"),
}
_UNDELIVERED = re.compile(r"3000[3-8]$")


class TwilioApi:
    """The stand-in's routes.

    Args:
        records: Where messages are kept.
        tell: Told what became of a message: where, the form, and the token that signs it.
    """

    def __init__(self, records: Records, tell: Tell) -> None:
        self._records = records
        self._tell = tell

    def add_routes(self, app: web.Application) -> None:
        """Serve it."""
        app.router.add_post(f"/{_VERSION}/Accounts/{{account}}/Messages.json", self._create)

    async def _create(self, request: web.Request) -> web.Response:
        account, token = _credentials(request.headers.get("Authorization", ""))
        if not account.startswith("AC") or account != request.match_info["account"] or token.startswith("wrong"):
            return _refused(401, 20003, "Authenticate")
        given = {name: str(value) for name, value in (await request.post()).items()}
        problem = _problem(given)
        if problem is not None:
            return _refused(400, *problem)
        sid = f"SM{secrets.token_hex(16)}"
        callback = given.get("StatusCallback", "")
        ours = parse_qs(urlsplit(callback).query)
        self._records.add(
            "sms",
            "twilio",
            to=given["To"],
            sender=given.get("From") or given.get("MessagingServiceSid"),
            text=given["Body"],
            provider_id=sid,
            valid_seconds=given.get("ValidityPeriod"),
            **{name: ours[name][0] for name in ("message_id", "org_id") if name in ours},
        )
        if callback and not given["To"].endswith("9999"):
            self._tell_all(callback, account, token, sid, given)
        return web.json_response(_message(account, sid, given), status=201)

    def _tell_all(self, callback: str, account: str, token: str, sid: str, given: Json) -> None:
        undelivered = _UNDELIVERED.search(given["To"])
        for status in ("queued", "sent", "undelivered" if undelivered else "delivered"):
            form = {
                "MessageSid": sid,
                "MessageStatus": status,
                "SmsSid": sid,
                "SmsStatus": status,
                "AccountSid": account,
                "To": given["To"],
                "From": given.get("From", ""),
                "ApiVersion": _VERSION,
                **({"ErrorCode": undelivered[0]} if undelivered and status == "undelivered" else {}),
            }
            self._tell(callback, form, token)


def _credentials(header: str) -> tuple[str, str]:
    try:
        account, _, token = base64.b64decode(header.removeprefix("Basic "), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return account, token


def _problem(given: Mapping[str, str]) -> tuple[int, str] | None:
    """What Twilio would not take: https://www.twilio.com/docs/api/errors."""
    to, sender, body = given.get("To", ""), given.get("From", ""), given.get("Body", "")
    if not to:
        return 21604, "A 'To' phone number is required."
    if not sender and not given.get("MessagingServiceSid"):
        return 21603, "A 'From' phone number is required."
    if not body:
        return 21602, "Message body is required."
    if len(body) > _LONGEST:
        return 21617, "The concatenated message body exceeds the 1600 character limit."
    if to in _TO or sender in _FROM:
        return _TO.get(to) or _FROM[sender]
    return None if re.fullmatch(r"\+[1-9]\d{6,14}", to) else _TO["+15005550001"]


def _message(account: str, sid: str, given: Mapping[str, str]) -> Json:
    now = format_datetime(datetime.now(UTC))
    return {
        "account_sid": account,
        "api_version": _VERSION,
        "body": given["Body"],
        "date_created": now,
        "date_sent": None,
        "date_updated": now,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": given.get("From"),
        "messaging_service_sid": given.get("MessagingServiceSid"),
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": sid,
        "status": "queued",
        "subresource_uris": {},
        "to": given["To"],
        "uri": f"/{_VERSION}/Accounts/{account}/Messages/{sid}.json",
    }


def _refused(status: int, code: int, message: str) -> web.Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return web.json_response({"code": code, "message": message, "more_info": more, "status": status}, status=status)
