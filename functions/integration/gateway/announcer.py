"""Publishing usage events from the journal to the bus.

An event is in the journal (Redis) before anybody tries to publish it, so a bus that is down, or a process that dies,
delays metering but never loses a call: the sweeper publishes what is left.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

import orjson

from integration.gateway.errors import StoreUnavailable
from llmo_auth.api_key import ApiKey
from llmo_core.observability import logger
from llmo_messaging.bus import EventBus, PublishFailed
from llmo_messaging.envelope import Envelope

type Forget = Callable[[str, list[bytes]], Awaitable[None]]


class AwaitingAnnouncer:
    """Publishes before the answer ends: for Lambda, which freezes a process when its answer is complete.

    Args:
        patience_seconds: How long an answer waits for the bus when its event is safe in the journal.
    """

    def __init__(self, bus: EventBus, forget: Forget, *, patience_seconds: float = 1.0) -> None:
        self._bus = bus
        self._forget = forget
        self._patience = patience_seconds

    async def announce(self, key: ApiKey, entry: bytes | None, event: Envelope) -> None:
        """Publish one event and, once the bus has it, take its entry off the journal.

        An event that neither the journal nor the bus took is written to the log, whole, as the last resort.
        """
        try:
            async with asyncio.timeout(self._patience if entry is not None else None):
                await self._bus.publish([event])
        except (PublishFailed, TimeoutError) as error:
            if entry is None:
                logger().critical("usage event not recorded", extra={"usage_event": orjson.loads(event.to_json())})
            else:
                logger().warning("usage event left in the journal", extra={"reason": repr(error)})
            return
        if entry is not None:
            try:
                await self._forget(key.org_ref, [entry])
            except StoreUnavailable:
                logger().warning("a published usage event stays in the journal and will be published again")


class BackgroundAnnouncer:
    """Publishes in batches behind the answers: for processes that live on, such as a laptop's or a container's.

    Args:
        linger_seconds: How long the first event of a batch waits for company.
        most_waiting: Beyond so many, events are left to the sweeper.
    """

    def __init__(
        self, bus: EventBus, forget: Forget, *, linger_seconds: float = 0.02, most_waiting: int = 10_000
    ) -> None:
        self._bus = bus
        self._forget = forget
        self._linger = linger_seconds
        self._most_waiting = most_waiting
        self._waiting: list[tuple[str, bytes, Envelope]] = []
        self._publisher: asyncio.Task[None] | None = None
        self._direct = AwaitingAnnouncer(bus, forget)

    async def announce(self, key: ApiKey, entry: bytes | None, event: Envelope) -> None:
        """Queue one event that the journal already holds; one that it does not hold is published at once."""
        if entry is None:
            await self._direct.announce(key, entry, event)
            return
        if len(self._waiting) >= self._most_waiting:
            return  # the bus is slower than the calls: the sweeper takes over
        self._waiting.append((key.org_ref, entry, event))
        if self._publisher is None or self._publisher.done():
            self._publisher = asyncio.create_task(self._publish_waiting())

    async def drained(self) -> None:
        """Publish what is still queued."""
        if self._publisher is not None:
            await self._publisher

    async def _publish_waiting(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._linger)
            batch, self._waiting = self._waiting, []
            entries: dict[str, list[bytes]] = defaultdict(list)
            for org_ref, entry, _ in batch:
                entries[org_ref].append(entry)
            try:
                await self._bus.publish([event for _, _, event in batch])
                for org_ref, published in entries.items():
                    await self._forget(org_ref, published)
            except (PublishFailed, StoreUnavailable) as error:
                logger().warning("usage events left in the journal", extra={"count": len(batch), "reason": str(error)})
