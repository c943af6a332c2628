"""Mails by SendGrid, with its own SDK: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send.

Messages that are equal but for their recipients and the addresses for unsubscribing go in one request.
"""

import asyncio
import http.client
import json
import logging
import re
import urllib.error
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from http import HTTPStatus
from typing import Any, Final

from python_http_client.exceptions import HTTPError

from llmo_core.clock import Clock
from notification.delivery.ports import Failed, Outcome, Outgoing, Refused, Sent
from notification.providers.answers import not_heard, not_reached, outcome_of, retry_after_of, said_by, until
from notification.providers.mails import Mail, Sender, mail_of
from notification.providers.sendgrid_client import MailClient

type Json = dict[str, Any]

MOST: Final = 1000
"""Personalizations of one request, which is SendGrid's limit."""
_AT_ONCE: Final = 16
_TIMEOUT_SECONDS: Final = 10.0
_ABOUT_SOME: Final = frozenset({400, 413})
_FIELD = re.compile(r"personalizations[.\[](\d+)")


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A message, and what of it all messages of a request have to share.

    Attributes:
        place: Which of the messages it is.
        shared: Subject, texts, category, whether it is critical.
    """

    place: int
    message: Outgoing
    mail: Mail
    shared: tuple[str, str, str, str, bool]
    substitutions: dict[str, str]


class SendGrid:
    """Sends mails by SendGrid.

    Args:
        api_key: `SG....`.
        base_url: Where SendGrid's API is, when it is a stand-in or that of a region; empty where it is the global one.
        timeout_seconds: How long an answer is waited for.
    """

    name = "sendgrid"
    batch = MOST

    def __init__(
        self,
        api_key: str,
        *,
        sender: Sender,
        clock: Clock,
        base_url: str = "",
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        self._sender = sender
        self._clock = clock
        self._client = MailClient(api_key, base_url=base_url, timeout_seconds=timeout_seconds)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sendgrid")
        # At level DEBUG the SDK's client logs the key and every mail.
        logging.getLogger("python_http_client").setLevel(logging.WARNING)

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Hand mails over; one outcome for each, in their order."""
        outcomes: dict[int, Outcome] = {}
        groups: dict[tuple[str, str, str, str, bool], list[_Prepared]] = {}
        for place, message in enumerate(messages):
            mail = mail_of(message, self._sender)
            if isinstance(mail, Refused):
                outcomes[place] = mail
            else:
                prepared = _prepared(place, message, mail)
                groups.setdefault(prepared.shared, []).append(prepared)
        requests = [group[start : start + MOST] for group in groups.values() for start in range(0, len(group), MOST)]
        for request, came in zip(requests, await asyncio.gather(*map(self._sent, requests)), strict=True):
            outcomes.update(zip((each.place for each in request), came, strict=True))
        return [outcomes[place] for place in range(len(messages))]

    async def close(self) -> None:
        """End its threads; what they are sending is sent."""
        self._threads.shutdown(wait=False)

    async def _sent(self, request: Sequence[_Prepared]) -> list[Outcome]:
        """Send a request, and again without those that SendGrid does not take: they must not keep the others back."""
        outcome, culprits = await asyncio.get_running_loop().run_in_executor(self._threads, self._post, request)
        if culprits is None and len(request) > 1:  # any of them may be the one
            middle = len(request) // 2
            return [*await self._sent(request[:middle]), *await self._sent(request[middle:])]
        outcomes = [outcome] * len(request)
        others = [index for index in range(len(request)) if culprits and index not in culprits]
        if others:
            for index, came in zip(others, await self._sent([request[index] for index in others]), strict=True):
                outcomes[index] = came
        return outcomes

    def _post(self, request: Sequence[_Prepared]) -> tuple[Outcome, set[int] | None]:
        """What came of a request, and which of its messages are to blame where not all are; None where nobody knows.

        The SDK's client wraps what goes wrong until everything is written in URLError; afterwards it does not.
        """
        try:
            answer = self._client.post(self._body(request))
        except HTTPError as error:
            said = _said(error.body)
            outcome = outcome_of(error.status_code, said, retry_after=self._retry_after(error))
            if error.status_code == HTTPStatus.BAD_REQUEST and _about_us(error.body):
                return Failed(said_by(said), ours=True), set()
            about_some = error.status_code in _ABOUT_SOME
            return outcome, _culprits(error.body, len(request)) if about_some else set()
        except urllib.error.URLError as error:
            return not_reached(error.reason), set()
        except (OSError, http.client.HTTPException) as error:
            return not_heard(error), set()
        return Sent(answer.headers.get("X-Message-Id") or ""), set()

    def _body(self, request: Sequence[_Prepared]) -> Json:
        subject, html, text, category, critical = request[0].shared
        contents = {"text/plain": text, "text/html": html}
        body: Json = {
            "from": _person(self._sender.address, self._sender.name),
            "subject": subject,
            "content": [{"type": kind, "value": value} for kind, value in contents.items() if value],
            "categories": [category],
            "personalizations": [_personalization(each) for each in request],
            "tracking_settings": {"subscription_tracking": {"enable": False}},  # we have our own
        }
        if critical:
            untracked = {"enable": False}
            body["tracking_settings"] |= {"click_tracking": untracked, "open_tracking": untracked}
            body["mail_settings"] = {"bypass_unsubscribe_management": {"enable": True}}
        return body

    def _retry_after(self, error: HTTPError) -> timedelta | None:
        """`Retry-After`, or SendGrid's own header, which names a second of Unix's time."""
        now = self._clock.now()
        reset = str(error.headers.get("X-RateLimit-Reset") or "")
        if reset.isascii() and reset.isdigit():
            return until(datetime.fromtimestamp(int(reset[:10]), UTC), now)
        return retry_after_of(error.headers.get("Retry-After"), now)


def _prepared(place: int, message: Outgoing, mail: Mail) -> _Prepared:
    """What is a recipient's own becomes a substitution; the words that stand for it are nobody else's."""
    html, text, substitutions = mail.html, mail.text, dict[str, str]()
    url = message.unsubscribe_url
    if url is not None:
        for name, value in (("-llmo.unsubscribe.html-", escape(url)), ("-llmo.unsubscribe.text-", url)):
            if name in mail.html + mail.text + mail.subject:  # somebody's own words: it goes as it is, and alone
                return _Prepared(place, message, mail, _shared(message, mail, mail.html, mail.text), {})
            html, text = html.replace(value, name), text.replace(value, name)
            substitutions[name] = value
    return _Prepared(place, message, mail, _shared(message, mail, html, text), substitutions)


def _shared(message: Outgoing, mail: Mail, html: str, text: str) -> tuple[str, str, str, str, bool]:
    return mail.subject, html, text, message.category, message.critical


def _personalization(prepared: _Prepared) -> Json:
    message = prepared.message
    arguments = {"message_id": str(message.message_id)}
    if message.org_id is not None:
        arguments["org_id"] = str(message.org_id)
    made: Json = {
        "to": [_person(prepared.mail.to, prepared.mail.name)],
        "headers": prepared.mail.headers,
        "custom_args": arguments,
    }
    if prepared.substitutions:
        made["substitutions"] = prepared.substitutions
    return made


def _person(address: str, name: str) -> Json:
    """Somebody as SendGrid wants them: a name with a comma or a semicolon stands in quotes."""
    if not name:
        return {"email": address}
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return {"email": address, "name": quoted if re.search(r"[,;]", name) else name}


def _errors(body: object) -> list[Json]:
    try:
        found = json.loads(body if isinstance(body, bytes | str) else "")["errors"]
    except (ValueError, KeyError, TypeError):
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _said(body: object) -> str:
    """What is wrong, in SendGrid's words; which place in the request is nobody's business but ours."""
    fields = [_FIELD.sub("", str(each.get("field") or "")).strip(".") for each in _errors(body)]
    said = [f"{field} {each.get('message') or ''}".strip() for field, each in zip(fields, _errors(body), strict=True)]
    return "; ".join([*dict.fromkeys(said)][:3])


def _about_us(body: object) -> bool:
    """Whether the sender is what SendGrid does not take: no message can help that."""
    fields = [str(each.get("field") or "") for each in _errors(body)]
    return bool(fields) and all(field.partition(".")[0] == "from" for field in fields)


def _culprits(body: object, count: int) -> set[int] | None:
    """Which messages are named; none where it is what all have in common, None where nothing is named."""
    fields = [str(each["field"]) for each in _errors(body) if each.get("field")]
    if not fields:
        return None
    named = [_FIELD.match(field) for field in fields]
    return {int(match[1]) for match in named if match is not None and int(match[1]) < count}
