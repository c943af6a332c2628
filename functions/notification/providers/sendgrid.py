"""Mails by SendGrid, with its own SDK: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send.

Messages that are equal but for their recipients and the addresses for unsubscribing go in one request.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

import urllib3
from python_http_client.client import Client
from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, SSLError

from llmo_core.clock import Clock
from notification.delivery.ports import Failed, Outcome, Outgoing, Refused, Sent
from notification.providers.answers import not_heard, not_reached, outcome_of, retry_after_of, said_by, until
from notification.providers.mails import Sender, mail_of
from notification.providers.sendgrid_requests import Prepared, Shared, prepared, request_body

type Json = dict[str, Any]

MOST: Final = 1000
"""Personalizations of one request, which is SendGrid's limit."""
_AT_ONCE: Final = 16
_TIMEOUT_SECONDS: Final = 10.0
_ABOUT_SOME: Final = frozenset({400, 413})
_FIELD = re.compile(r"personalizations[.\[](\d+)")


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
        sdk = SendGridAPIClient(api_key, **({"host": base_url.rstrip("/")} if base_url else {}))
        self._client = _MailSend(sdk, timeout_seconds)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sendgrid")

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Hand mails over; one outcome for each, in their order."""
        outcomes: dict[int, Outcome] = {}
        groups: dict[Shared, list[Prepared]] = {}
        for place, message in enumerate(messages):
            mail = mail_of(message, self._sender)
            if isinstance(mail, Refused):
                outcomes[place] = mail
            else:
                made = prepared(place, message, mail)
                groups.setdefault(made.shared, []).append(made)
        requests = [group[start : start + MOST] for group in groups.values() for start in range(0, len(group), MOST)]
        for request, came in zip(requests, await asyncio.gather(*map(self._sent, requests)), strict=True):
            outcomes.update(zip((each.place for each in request), came, strict=True))
        return [outcomes[place] for place in range(len(messages))]

    async def close(self) -> None:
        """End its threads, when what they are sending is sent, and close its connections."""
        self._threads.shutdown(wait=False)
        self._client.close()

    async def _sent(self, request: Sequence[Prepared]) -> list[Outcome]:
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

    def _post(self, request: Sequence[Prepared]) -> tuple[Outcome, set[int] | None]:
        """What came of a request, and which of its messages are to blame where not all are; None where nobody knows."""
        try:
            headers = self._client.post(request_body(request, self._sender))
        except HTTPError as error:
            said = _said(error.body)
            outcome = outcome_of(error.status_code, said, retry_after=self._retry_after(error))
            if error.status_code == HTTPStatus.BAD_REQUEST and _about_us(error.body):
                return Failed(said_by(said), ours=True), set()
            about_some = error.status_code in _ABOUT_SOME
            return outcome, _culprits(error.body, len(request)) if about_some else set()
        except (NewConnectionError, ConnectTimeoutError, SSLError) as error:
            return not_reached(error), set()
        except urllib3.exceptions.HTTPError as error:
            return not_heard(error), set()
        return Sent(headers.get("X-Message-Id") or ""), set()

    def _retry_after(self, error: HTTPError) -> timedelta | None:
        """`Retry-After`, or SendGrid's own header, which names a second of Unix's time."""
        now = self._clock.now()
        reset = str(error.headers.get("X-RateLimit-Reset") or "")
        if reset.isascii() and reset.isdigit():
            return until(datetime.fromtimestamp(int(reset[:10]), UTC), now)
        return retry_after_of(error.headers.get("Retry-After"), now)


class _MailSend(Client):  # type: ignore[misc]  # the SDK has no types
    """The SDK's client for one path, over connections that stay open.

    The SDK's own way to post makes a TLS context for every mail, which takes 56 ms of CPU, and a connection.
    """

    def __init__(self, sdk: SendGridAPIClient, timeout_seconds: float) -> None:
        super().__init__(sdk.host, sdk.client.request_headers, version=3, url_path=["mail", "send"])
        self._seconds = timeout_seconds
        self._pool = urllib3.PoolManager(maxsize=_AT_ONCE, retries=False)

    def post(self, body: Json) -> Mapping[str, str]:
        """The headers of the answer. Raises the SDK's HTTPError for one that is no success, and urllib3's errors."""
        answer = self._pool.request(
            "POST",
            self._build_url(None),
            body=json.dumps(body).encode(),
            headers={**self.request_headers, "Content-Type": "application/json"},
            timeout=self._seconds,
            redirect=False,
        )
        if answer.status // 100 != HTTPStatus.OK // 100:
            raise HTTPError(answer.status, answer.reason, answer.data, answer.headers)
        return answer.headers

    def close(self) -> None:
        """Close its connections."""
        self._pool.clear()


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
