"""Push notifications to apps by Firebase Cloud Messaging, its HTTP v1 API.

Source: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from llmo_core.clock import Clock
from notification.contents import PushContent
from notification.delivery.ports import Failed, Outcome, Outgoing, Refused, Sent
from notification.providers.answers import not_reached, outcome_of, retry_after_of, said_by
from notification.providers.pushes import broken, collapse_key, push_of, seconds, shortened

KIND: Final = "fcm"
_API: Final = "https://fcm.googleapis.com"
_SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
_AT_ONCE: Final = 32
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10, sock_connect=5)
_TOKEN_SECONDS: Final = 10.0
_MOST_BYTES: Final = 3000  # of the 4096 that Firebase takes
_GONE: Final = frozenset({"UNREGISTERED", "SENDER_ID_MISMATCH"})
_OURS: Final = frozenset({"THIRD_PARTY_AUTH_ERROR"})


class Fcm:
    """Sends push notifications to apps.

    Args:
        service_account_json: As Google's console gives it. Raises ValueError when it is none.
        base_url: Where Firebase is, when it is a stand-in; empty where it is Google's own.
        timeout: Of one notification.
    """

    name = KIND
    batch = 50

    def __init__(
        self,
        service_account_json: str,
        *,
        clock: Clock,
        base_url: str = "",
        timeout: aiohttp.ClientTimeout = _TIMEOUT,
    ) -> None:
        account: Mapping[str, Any] = json.loads(service_account_json)
        self._credentials = service_account.Credentials.from_service_account_info(account, scopes=[_SCOPE])  # type: ignore[no-untyped-call]
        self._url = f"{(base_url or _API).rstrip('/')}/v1/projects/{account['project_id']}/messages:send"
        self._clock = clock
        self._timeout = timeout
        self._opened: aiohttp.ClientSession | None = None
        self._refreshing = asyncio.Lock()

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Hand notifications over; one outcome for each, in their order."""
        try:
            token = await self._token()
        except RefreshError as error:
            said = said_by(f"No token of Google's: {error.args[0] if error.args else ''}")
            return [Failed(said, ours=not error.retryable)] * len(messages)
        except GoogleAuthError as error:
            return [not_reached(error)] * len(messages)
        return await asyncio.gather(*(self._send(each, token) for each in messages))

    async def close(self) -> None:
        """Close its connections."""
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    async def _token(self) -> str:
        """A token that is valid for a while yet. Raises GoogleAuthError."""
        async with self._refreshing:
            if not self._credentials.valid:
                await asyncio.to_thread(self._refresh)
            return str(self._credentials.token)

    def _refresh(self) -> None:
        request = Request()
        try:
            self._credentials.refresh(partial(request, timeout=_TOKEN_SECONDS))
        finally:
            request.session.close()

    async def _send(self, message: Outgoing, token: str) -> Outcome:
        pushed = push_of(message, KIND)
        if isinstance(pushed, Refused):
            return pushed
        content, device = pushed
        try:
            async with self._session().post(
                self._url,
                json={"message": _message(content, message, str(device.get("token")), self._clock)},
                headers={"Authorization": f"Bearer {token}"},
            ) as answer:
                return self._outcome(answer.status, await answer.read(), answer.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return broken(error)

    def _outcome(self, status: int, body: bytes, retry_after: str | None) -> Outcome:
        try:
            answer = json.loads(body)
        except ValueError:
            answer = {}
        if status == HTTPStatus.OK:
            return Sent(str(answer.get("name", "")).rpartition("/")[2])
        error: Mapping[str, Any] = answer.get("error") or {}
        code, said = _code(error), said_by(f"{_code(error)}: {error.get('message', '')}")
        if code in _GONE:
            return Refused(said, gone=True)
        if status == HTTPStatus.UNAUTHORIZED:
            self._credentials.token = None  # the next call asks for another one
        if code in _OURS:
            return Failed(said, ours=True)
        return outcome_of(status, said, retry_after=retry_after_of(retry_after, self._clock.now()))

    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            connector = aiohttp.TCPConnector(limit=_AT_ONCE)
            self._opened = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self._opened


def _message(content: PushContent, message: Outgoing, token: str, clock: Clock) -> dict[str, Any]:
    """The same notification, sent again, takes the place of the first: on Android by its tag, on iOS by its id."""
    key, life = collapse_key(message.message_id), seconds(message.time_to_live)
    shown = {"title": shortened(content.title, _MOST_BYTES // 3), "body": shortened(content.body, _MOST_BYTES // 2)}
    expires_at = int(clock.now().timestamp()) + life
    return {
        "token": token,
        "notification": shown,
        "data": {"message_id": str(message.message_id), **({"url": content.url} if content.url else {})},
        "android": {
            "ttl": f"{life}s",
            "collapse_key": key,
            "priority": "high" if message.critical else "normal",
            "notification": {"tag": key},
        },
        "apns": {
            "headers": {
                "apns-collapse-id": key,
                "apns-expiration": str(expires_at),
                "apns-priority": "10" if message.critical else "5",
            }
        },
    }


def _code(error: Mapping[str, Any]) -> str:
    """Firebase's own code, which stands in the details; else the API's."""
    for detail in error.get("details") or ():
        if isinstance(detail, dict) and "errorCode" in detail:
            return str(detail["errorCode"])
    return str(error.get("status", "no error of Firebase's"))
