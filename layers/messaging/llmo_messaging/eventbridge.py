"""The event bus on Amazon EventBridge, with group commit.

Concurrent publishers in one process share PutEvents calls: while calls are under way, further events gather, and the
next call takes up to ten of them, as far as their size allows. A lone event is sent at once.
"""

import asyncio
import json
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import aiohttp

from llmo_core.aws import Credentials, JsonService
from llmo_core.clock import Clock, SystemClock
from llmo_messaging.bus import Encode, PublishFailed, plain
from llmo_messaging.envelope import Envelope

# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html and eb-putevent-size.html
MAX_ENTRIES = 10
MAX_BYTES = 1_000_000
_LARGE_BYTES = 2**20  # from here on aiohttp wants a file, which it sends piece by piece
_CALLS_AT_ONCE = 2
_BACKOFF_SECONDS = 0.05
_TIMEOUT = aiohttp.ClientTimeout(total=5, sock_connect=2)


@dataclass(slots=True)
class _Pending:
    entry: dict[str, str]
    size_bytes: int
    taken: asyncio.Future[None]
    attempts: int = 0


class EventBridgeBus:
    """Publishes to one event bus.

    Args:
        session: Gives the HTTP session to use, on the running loop; without it the bus opens one of its own.
        service: EventBridge in the function's region (`JsonService.from_environment("events", "AWSEvents")`).
        bus_name: The custom event bus.
        encode: Writes events as text.
        credentials: Gives the credentials to sign with.
        clock: Time for signatures.
        jitter: Random number in [0, 1) that spreads retries.
        calls_at_once: How many PutEvents calls may be under way together.
        attempts: How often one event is tried.
    """

    def __init__(
        self,
        *,
        session: Callable[[], aiohttp.ClientSession] | None = None,
        service: JsonService,
        bus_name: str,
        encode: Encode = plain,
        credentials: Callable[[], Credentials] = Credentials.from_environment,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
        calls_at_once: int = _CALLS_AT_ONCE,
        attempts: int = 4,
    ) -> None:
        self._shared_session = session
        self._own_session: aiohttp.ClientSession | None = None
        self._service = service
        self._bus_name = bus_name
        self._encode = encode
        self._credentials = credentials
        self._clock = clock or SystemClock()
        self._jitter = jitter
        self._calls_at_once = calls_at_once
        self._attempts = attempts
        self._waiting: deque[_Pending] = deque()
        self._senders: set[asyncio.Task[None]] = set()

    async def publish(self, events: Sequence[Envelope]) -> None:
        """Return when the bus has taken all events; raise PublishFailed when it has not, after all attempts."""
        pending = [await self._pending(event) for event in events]
        self._waiting.extend(pending)
        self._start_sender()
        outcomes = await asyncio.gather(*(item.taken for item in pending), return_exceptions=True)
        failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if failed:
            raise PublishFailed(f"{len(failed)} of {len(events)} events were not taken: {failed[0]}") from failed[0]

    async def close(self) -> None:
        """Close the session of its own, if it has one; the next event opens another."""
        if self._own_session is not None:
            await self._own_session.close()
            self._own_session = None
            await asyncio.sleep(0)  # in which the loop lets go of the sockets; it may not run again for a long time

    def _session(self) -> aiohttp.ClientSession:
        if self._shared_session is not None:
            return self._shared_session()
        if self._own_session is None:
            self._own_session = aiohttp.ClientSession()
        return self._own_session

    async def _pending(self, event: Envelope) -> _Pending:
        detail = await self._encode(event)
        entry = {"EventBusName": self._bus_name, "Source": event.source, "DetailType": event.type, "Detail": detail}
        size_bytes = sum(len(entry[name].encode()) for name in ("Source", "DetailType", "Detail"))
        return _Pending(entry, size_bytes, asyncio.get_running_loop().create_future())

    def _start_sender(self) -> None:
        if self._waiting and len(self._senders) < self._calls_at_once:
            sender = asyncio.create_task(self._send_waiting())
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)

    async def _send_waiting(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            if self._waiting:
                self._start_sender()
            await self._send(batch)

    def _next_batch(self) -> list[_Pending]:
        """The longest waiting entries, as many as one call may take; one that is too large by itself goes alone."""
        batch: list[_Pending] = []
        room = MAX_BYTES
        while self._waiting and len(batch) < MAX_ENTRIES:
            if batch and self._waiting[0].size_bytes > room:
                break
            item = self._waiting.popleft()
            if not item.taken.done():  # else nobody waits for it any more
                batch.append(item)
                room -= item.size_bytes
        return batch

    async def _send(self, batch: list[_Pending]) -> None:
        while batch:
            try:
                results = await self._put([item.entry for item in batch])
            except Exception as error:  # noqa: BLE001 - whatever it was, the publishers must learn of it, not wait for ever
                results = [{"ErrorCode": type(error).__name__, "ErrorMessage": str(error)}] * len(batch)
            batch = [item for item, result in zip(batch, results, strict=True) if not self._settled(item, result)]
            if batch:
                await asyncio.sleep(_BACKOFF_SECONDS * 2 ** batch[0].attempts * (0.5 + self._jitter()))

    async def _put(self, entries: list[dict[str, str]]) -> list[dict[str, Any]]:
        body = json.dumps({"Entries": entries}, ensure_ascii=False).encode()
        headers = self._service.sign("PutEvents", body, credentials=self._credentials(), now=self._clock.now())
        async with self._session().post(
            f"{self._service.endpoint}/",
            data=body if len(body) < _LARGE_BYTES else BytesIO(body),
            headers=headers,
            timeout=_TIMEOUT,
        ) as response:
            answer = await response.read()
            if response.status != 200:  # noqa: PLR2004 - HTTP's own number
                raise PublishFailed(f"PutEvents answered {response.status}: {answer[:200].decode(errors='replace')}")
            results: list[dict[str, Any]] = json.loads(answer)["Entries"]
            if len(results) != len(entries):
                raise PublishFailed(f"PutEvents answered {len(results)} results for {len(entries)} entries")
            return results

    def _settled(self, item: _Pending, result: dict[str, Any]) -> bool:
        """Whether this entry needs no further attempt: it was taken, or its attempts are used up."""
        item.attempts += 1
        if not result.get("ErrorCode"):
            if not item.taken.done():
                item.taken.set_result(None)
            return True
        if item.attempts >= self._attempts:
            if not item.taken.done():
                item.taken.set_exception(PublishFailed(f"{result['ErrorCode']}: {result.get('ErrorMessage', '')}"))
            return True
        return False
