"""A stand-in for SendGrid's v3 API, as far as its SDK is used to send mails.

It refuses what SendGrid refuses, and tells afterwards what became of a mail. What that is, the beginning of the address
says (up to `+`, `-` or `.`): `bounce@` is not there, `block@` and `drop@` do not get it now, `defer@` gets it late,
`complaint@` calls it spam, `unsubscribe@` wants no more, `open@` and `click@` read it, `silent@` is never heard of,
`twice@` has everything told twice and in the wrong order, `refused@` is an address that SendGrid itself takes for none.
Everybody else gets it.

It lacks: templates, sections, attachments, groups of unsubscribes, sending later, and everything that is no mail.
"""

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from aiohttp import web

from local.vendors.message_records import Records
from local.vendors.message_webhooks import EventKey

type Json = dict[str, Any]
type Tell = Callable[[list[Json]], None]

MOST_PERSONALIZATIONS: Final = 1000
_LARGEST: Final = 30 * 2**20
_LARGEST_SUBSTITUTIONS: Final = 10_000
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+\.[^\s@<>,;:\"()\[\]\\.]+|[^\s@<>,]+@localhost")
_RESERVED: Final = frozenset(
    {
        "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding",
        "to", "from", "subject", "reply-to", "cc", "bcc",
    }
)  # fmt: skip
_ENDINGS: Final[Mapping[str, tuple[tuple[str, Json], ...]]] = {
    "bounce": (("bounce", {"type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 The mailbox does not exist"}),),
    "block": (("bounce", {"type": "blocked", "status": "4.7.1", "reason": "451 4.7.1 Blocked for now"}),),
    "drop": (("dropped", {"status": "5.9.0", "reason": "Spam Content"}),),
    "defer": (("deferred", {"response": "450 4.2.1 Later, please", "attempt": "1"}), ("delivered", {})),
    "complaint": (("delivered", {}), ("spamreport", {})),
    "unsubscribe": (("delivered", {}), ("unsubscribe", {})),
    "open": (("delivered", {}), ("open", {"useragent": "Mail", "ip": "192.0.2.1"})),
    "click": (("delivered", {}), ("open", {}), ("click", {"url": "https://example.com/", "ip": "192.0.2.1"})),
}


class SendGridApi:
    """The stand-in's routes.

    Args:
        records: Where mails are kept.
        key: What events are signed with.
        tell: Told of events.
    """

    def __init__(self, records: Records, key: EventKey, tell: Tell) -> None:
        self._records = records
        self._key = key
        self._tell = tell

    def add_routes(self, app: web.Application) -> None:
        """Serve it."""
        app.router.add_post("/v3/mail/send", self._send)
        app.router.add_get("/v3/user/webhooks/event/settings/signed", self._show_key)

    async def _show_key(self, _request: web.Request) -> web.Response:
        return web.json_response({"public_key": self._key.public})

    async def _send(self, request: web.Request) -> web.Response:
        if not request.headers.get("Authorization", "").startswith("Bearer SG."):
            return _refused(401, ("The provided authorization grant is invalid, expired, or revoked", None))
        raw = await request.read()
        if len(raw) > _LARGEST:
            return _refused(413, ("The request is larger than 30 MB", None))
        try:
            mail: Json = await request.json()
        except ValueError:
            return _refused(400, ("Bad Request", None))
        problems = [*_problems(mail)]
        if problems:
            return _refused(400, *problems)
        provider_id = secrets.token_urlsafe(16)
        for personalization in mail["personalizations"]:
            self._accept(mail, personalization, provider_id)
        return web.Response(status=202, headers={"X-Message-Id": provider_id})

    def _accept(self, mail: Json, personalization: Json, provider_id: str) -> None:
        contents = {part["type"]: _substituted(part["value"], personalization) for part in mail["content"]}
        arguments = {**mail.get("custom_args", {}), **personalization.get("custom_args", {})}
        tracking = mail.get("tracking_settings", {})
        for to in personalization["to"]:
            self._records.add(
                "email",
                "sendgrid",
                to=to["email"],
                name=to.get("name"),
                sender=mail["from"],
                subject=_substituted(personalization.get("subject") or mail["subject"], personalization),
                text=contents.get("text/plain", ""),
                html=contents.get("text/html", ""),
                headers={**mail.get("headers", {}), **personalization.get("headers", {})},
                categories=mail.get("categories", []),
                tracked={name: given.get("enable", False) for name, given in tracking.items()},
                provider_id=provider_id,
                **arguments,
            )
            self._tell([*_events(to["email"], provider_id, mail.get("categories", []), arguments)])


def _problems(mail: Json) -> Iterator[tuple[str, str | None]]:
    """What SendGrid would not take, with its words: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors."""
    personalizations = mail.get("personalizations")
    if not isinstance(personalizations, list) or not personalizations:
        yield "The personalizations field is required and must have at least one personalization.", "personalizations"
        return
    if len(personalizations) > MOST_PERSONALIZATIONS:
        yield "The personalizations array cannot have more than 1000 personalizations.", "personalizations"
    if not _valid((mail.get("from") or {}).get("email")):
        yield "The from object must be provided for every email send.", "from.email"
    contents = mail.get("content")
    if not contents:
        yield "Unless a valid template_id is provided, the content parameter is required.", "content"
    elif not all(part.get("type") and part.get("value") for part in contents):
        yield "The content value must be a string at least one character in length.", "content.0.value"
    yield from _header_problems(mail, "headers")
    for index, each in enumerate(personalizations):
        yield from _problems_of_one(mail, each, f"personalizations.{index}")


def _problems_of_one(mail: Json, personalization: Json, place: str) -> Iterator[tuple[str, str]]:
    if not personalization.get("to"):
        yield "The to array is required for all personalization objects.", f"{place}.to"
    for number, to in enumerate(personalization.get("to", [])):
        if not _valid(to.get("email")) or _behaviour(to["email"]) == "refused":
            yield "Does not contain a valid address.", f"{place}.to.{number}.email"
    if not (personalization.get("subject") or mail.get("subject")):
        yield "The subject is required.", f"{place}.subject"
    substitutions = personalization.get("substitutions", {})
    if sum(len(name) + len(value) for name, value in substitutions.items()) > _LARGEST_SUBSTITUTIONS:
        yield "Substitutions are limited to 10000 bytes.", f"{place}.substitutions"
    yield from _header_problems(personalization, f"{place}.headers")


def _header_problems(holder: Json, place: str) -> Iterator[tuple[str, str]]:
    for name, value in holder.get("headers", {}).items():
        if name.lower() in _RESERVED:
            yield f"The header {name} is reserved.", place
        if re.search(r"[\r\n]", name + value) or not name.isascii():
            yield "Headers must not contain line breaks.", place


def _valid(address: object) -> bool:
    return isinstance(address, str) and _ADDRESS.fullmatch(address) is not None


def _substituted(text: str, personalization: Json) -> str:
    for name, value in personalization.get("substitutions", {}).items():
        text = text.replace(name, value)
    return text


def _behaviour(address: str) -> str:
    return re.split(r"[+.-]", address.partition("@")[0], maxsplit=1)[0].lower()


def _events(address: str, provider_id: str, categories: list[str], arguments: Json) -> Iterator[Json]:
    behaviour = _behaviour(address)
    if behaviour == "silent":
        return
    told = []
    now = int(time.time())
    for kind, more in (("processed", {}), *_ENDINGS.get(behaviour, (("delivered", {"response": "250 OK"}),))):
        told.append(
            {
                "email": address,
                "timestamp": now,
                "event": kind,
                "category": categories,
                "sg_event_id": secrets.token_urlsafe(16),
                "sg_message_id": f"{provider_id}.recvd-0001",
                **arguments,
                **more,
            }
        )
    yield from [*reversed(told), *told] if behaviour == "twice" else told


def _refused(status: int, *problems: tuple[str, str | None]) -> web.Response:
    errors = [{"message": message, "field": field, "help": None} for message, field in problems]
    return web.json_response({"errors": errors}, status=status)
