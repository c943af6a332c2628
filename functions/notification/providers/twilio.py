"""Text messages by Twilio, with its own SDK: https://www.twilio.com/docs/messaging/api/message-resource."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import MaxRetryError, NewConnectionError

from llmo_core.clock import Clock
from notification.delivery.ports import Failed, Outcome, Outgoing, Refused, Sent
from notification.providers.answers import not_heard, not_reached, outcome_of, retry_after_of, said_by
from notification.providers.callbacks import status_callback
from notification.providers.texts import text_of

_API: Final = "https://api.twilio.com"
_AT_ONCE: Final = 16
_TIMEOUT_SECONDS: Final = 10.0
_SHORTEST: Final = timedelta(seconds=5)
_LONGEST: Final = timedelta(hours=10)  # what Twilio keeps a message for
_OURS: Final = frozenset({20003, 20005, 21212, 21603, 21606, 21608, 21659, 21660, 21661, 21705, 30002})
"""Of our account or our number, whatever the status: https://www.twilio.com/docs/api/errors."""
_LATER: Final = frozenset({20429, 21611, 30001, 63038})
_GONE: Final = frozenset({21211, 21214, 21217, 21614})
_SERVICE: Final = "MG"


class Twilio:
    """Sends text messages by Twilio.

    Args:
        sender: A number, a name, or a messaging service (`MG...`).
        status_callback: Where Twilio tells what became of a message; empty for nowhere.
        base_url: Where Twilio's API is, when it is a stand-in; empty where it is Twilio's own.
        timeout_seconds: How long an answer is waited for.
    """

    name = "twilio"
    batch = 1

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        sender: str,
        clock: Clock,
        status_callback: str = "",
        base_url: str = "",
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        self._sender = sender
        self._clock = clock
        self._status_callback = status_callback
        self._http = _Http(base_url or _API, timeout_seconds)
        self._client = Client(account_sid, auth_token, http_client=self._http)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="twilio")

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Hand text messages over; one outcome for each, in their order."""
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*(loop.run_in_executor(self._threads, self._create, each) for each in messages))

    async def close(self) -> None:
        """End its threads and close its connections."""
        self._threads.shutdown(wait=False)
        self._http.close()

    def _create(self, message: Outgoing) -> Outcome:
        text = text_of(message)
        if isinstance(text, Refused):
            return text
        options: dict[str, Any] = {"validity_period": _seconds(message.time_to_live)}
        if self._status_callback:
            options["status_callback"] = status_callback(
                self._status_callback, message.message_id, message.org_id or ""
            )
        options["messaging_service_sid" if self._sender.startswith(_SERVICE) else "from_"] = self._sender
        try:
            made = self._client.messages.create(to=message.address, body=text, **options)
        except TwilioRestException as error:
            return self._refused(error)
        except requests.RequestException as error:
            return _broken(error)
        except (TwilioException, AttributeError, TypeError, ValueError) as error:  # an answer that is none of Twilio's
            return not_heard(error)
        return Sent(made.sid or "")

    def _refused(self, error: TwilioRestException) -> Outcome:
        said = said_by(f"{error.code}: {error.msg}")
        retry_after = retry_after_of(self._http.retry_after, self._clock.now())
        if error.code in _OURS:
            return Failed(said, ours=True)
        if error.code in _LATER:
            return Failed(said, retry_after=retry_after)
        if error.code in _GONE:
            return Refused(said, gone=True)
        return outcome_of(error.status, said, retry_after=retry_after)


class _Http(TwilioHttpClient):  # type: ignore[misc]  # the SDK has no types
    """Twilio's own client, somewhere else where there is a stand-in. It logs nothing: what it would are messages."""

    def __init__(self, base_url: str, timeout_seconds: float) -> None:
        quiet = logging.getLogger("notification.twilio")
        quiet.setLevel(logging.CRITICAL)
        super().__init__(timeout=timeout_seconds, logger=quiet)
        for scheme in ("http://", "https://"):  # as many connections as threads: the SDK's own keeps fewer
            self.session.mount(scheme, HTTPAdapter(pool_maxsize=_AT_ONCE))
        self._base_url = base_url.rstrip("/")
        self._last = threading.local()

    @property
    def retry_after(self) -> str | None:
        """`Retry-After` of this thread's last answer: the SDK's errors have no headers."""
        header: str | None = getattr(self._last, "retry_after", None)
        return header

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Response:  # noqa: ANN401 - as Twilio's
        """Call the API."""
        answer = super().request(method, self._base_url + urlsplit(url).path, *args, **options)
        self._last.retry_after = answer.headers.get("Retry-After") if answer.headers else None
        return answer

    def close(self) -> None:
        """Close its connections."""
        self.session.close()


def _broken(error: requests.RequestException) -> Failed:
    """Whether the request can have arrived: not when there was no connection, or none that is safe."""
    cause = error.args[0] if error.args else None
    unconnected = isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
    if unconnected or isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError):
        return not_reached(error)
    return not_heard(error)


def _seconds(time_to_live: timedelta) -> int:
    return int(min(max(time_to_live, _SHORTEST), _LONGEST).total_seconds())
