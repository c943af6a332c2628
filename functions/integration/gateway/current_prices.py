"""Which edition of the price tables this process goes by.

A process begins with the packaged edition. Whenever some organization's configuration is looked up in Redis anyway, but
at most once a minute, it is asked in the same round trip whether there is a newer one: calls that find their
configuration remembered, which are nearly all, wait for nothing and look at nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from redis.exceptions import RedisError

from integration.gateway.edition import Edition, packaged
from integration.gateway.price_copies import NOTHING_STORED, CopyBroken, RedisPriceCopies
from integration.price_editions import StoredEdition, in_force
from llmo_core.errors import Unavailable
from llmo_core.observability import logger

_FRESH_SECONDS: Final = 60.0


class Editions(Protocol):
    """Where stored editions are kept for good."""

    async def newest_prices(self) -> StoredEdition | None:
        """The last one that was fetched; None before there is one. Raises DatabaseUnavailable."""
        ...


class CurrentPrices:
    """The edition in force, exchanged in one step: whoever found a price before keeps it.

    Args:
        editions: Asked when Redis knows nothing, which it is told then.
        timer: Monotonic seconds.
        patience: For how many seconds a call waits for a look at most; what comes later counts for later calls.
    """

    def __init__(
        self, copies: RedisPriceCopies, editions: Editions, *, timer: Callable[[], float], patience: float = 1.0
    ) -> None:
        self._patience = patience
        self._copies = copies
        self._editions = editions
        self._timer = timer
        self._edition = packaged()
        self._seen: str | None = None  # in Redis
        self._next_look = float("-inf")
        self._looking: asyncio.Task[None] | None = None

    def edition(self) -> Edition:
        """The edition in force."""
        return self._edition

    async def look(self) -> None:
        """Take a newer edition if there is one and a minute has passed; whatever goes wrong, the old one stays."""
        if self._looking is None:
            if self._timer() < self._next_look:
                return
            self._next_look = self._timer() + _FRESH_SECONDS
            self._looking = asyncio.create_task(self._look())
            self._looking.add_done_callback(self._looked)
        await asyncio.wait({self._looking}, timeout=self._patience)  # which cancels it neither way

    def _looked(self, looking: asyncio.Task[None]) -> None:
        self._looking = None
        if not looking.cancelled() and (defect := looking.exception()) is not None:
            logger().error("no look at the prices", exc_info=defect)

    async def _look(self) -> None:
        try:
            version = await self._copies.version()
            if version is None:
                self._take(await self._restored())
            elif version != self._seen:
                self._take(await self._copies.edition() if version else None)
        except (RedisError, Unavailable, CopyBroken) as error:
            logger().error("no look at the prices", extra={"cause": repr(error)})

    async def _restored(self) -> StoredEdition | None:
        """What PostgreSQL has, for all others in Redis too."""
        found = await self._editions.newest_prices()
        await self._copies.fill(found)
        return found

    def _take(self, found: StoredEdition | None) -> None:
        self._seen = found.name.version if found else NOTHING_STORED
        if found is None or not in_force(found.name):
            self._edition = packaged()
        elif found.name.version != self._edition.version:
            self._edition = Edition(found.name.version, found.name.dated, found.tables.get)
            logger().info("prices taken", extra={"price_version": found.name.version})
