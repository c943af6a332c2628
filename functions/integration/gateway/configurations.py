"""What organizations have set up, in PostgreSQL, with copies in Redis and in this process.

The management API writes PostgreSQL, then a new version to Redis (`{org_ref}:config_version`). Each admission compares
it with the version that the call was read with. A copy is written with the version that Redis had before PostgreSQL was
read, so that a copy of something older is known for what it is.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Protocol

import orjson

from integration.gateway.organization import Organization
from integration.gateway.organization_record import SHAPE, parse
from integration.gateway.store import fail_closed
from llmo_data.pipelined_redis import PipelinedRedis

# In this process, and as long again in Redis: what is noticed nowhere else counts after five minutes.
_REMEMBERED_SECONDS: Final = 150.0
_MOST_REMEMBERED: Final = 10_000


class Configurations(Protocol):
    """Where configurations are kept for good."""

    async def record(self, org_ref: str) -> dict[str, Any]:
        """An organization's configuration, empty when it has set up nothing. Raises DatabaseUnavailable."""
        ...


class Prices(Protocol):
    """The prices that every organization's calls go by."""

    async def look(self) -> None:
        """See to it that they are those in force; it raises nothing."""
        ...


class RememberedOrganizations:
    """Organizations' configurations, remembered for five minutes at most.

    Args:
        prices: Looked at whenever a configuration is, in the same round trip.
        timer: Monotonic seconds.
    """

    def __init__(
        self, redis: PipelinedRedis, configurations: Configurations, prices: Prices, *, timer: Callable[[], float]
    ) -> None:
        self._redis = redis
        self._configurations = configurations
        self._prices = prices
        self._timer = timer
        self._known: OrderedDict[str, tuple[float, Organization]] = OrderedDict()
        self._finding: dict[str, asyncio.Task[Organization]] = {}

    def knows(self, org_ref: str) -> bool:
        """Whether it was found lately, so that finding it asks nobody."""
        known = self._known.get(org_ref)
        return known is not None and self._timer() < known[0]

    def forget(self, org_ref: str) -> None:
        """Look it up anew the next time."""
        self._known.pop(org_ref, None)
        self._finding.pop(org_ref, None)  # what it finds may be older

    async def find(self, org_ref: str) -> Organization:
        """An organization's configuration, as it was lately. Raises StoreUnavailable, DatabaseUnavailable."""
        known = self._known.get(org_ref)
        if known is not None and self._timer() < known[0]:
            return known[1]
        finding = self._finding.get(org_ref)
        if finding is None:  # many calls may miss it at the same time: one looks it up for all
            finding = self._finding[org_ref] = asyncio.create_task(self._found(org_ref))
        return await asyncio.shield(finding)

    async def changed(self, org_ref: str) -> bool:
        """Whether it is not as it was found any more; then it is forgotten. Raises StoreUnavailable."""
        with fail_closed():
            version: bytes | None = await self._redis.call("GET", _version_name(org_ref))
        known = self._known.get(org_ref)
        if known is not None and known[1].version == (version or b"").decode():
            return False
        self.forget(org_ref)
        return True

    async def _found(self, org_ref: str) -> Organization:
        finding = asyncio.current_task()
        try:
            found = await self._find(org_ref)
        finally:
            current = self._finding.get(org_ref) is finding
            if current:
                del self._finding[org_ref]
        if current:  # else it was forgotten meanwhile
            before = self._known.get(org_ref)
            if before is not None and before[1].guardrails == found.guardrails:
                found = replace(found, guards=before[1].guards)  # compiling them takes a while
            self._known[org_ref] = (self._timer() + _REMEMBERED_SECONDS, found)
            if len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)
        return found

    async def _find(self, org_ref: str) -> Organization:
        asked = self._redis.call("MGET", _version_name(org_ref), _copy_name(org_ref))
        with fail_closed():
            (version, copy), _ = await asyncio.gather(asked, self._prices.look())
        current = (version or b"").decode()
        if copy is not None:
            kept = orjson.loads(copy)
            if kept["version"] == current and kept.get("shape") == SHAPE:
                return parse(current, kept["record"])
        record = await self._configurations.record(org_ref)
        text = orjson.dumps({"version": current, "shape": SHAPE, "record": record})
        with fail_closed():
            await self._redis.call("SET", _copy_name(org_ref), text, "PX", int(_REMEMBERED_SECONDS * 1000))
        return parse(current, record)


def _version_name(org_ref: str) -> str:
    return f"{{{org_ref}}}:config_version"


def _copy_name(org_ref: str) -> str:
    return f"{{{org_ref}}}:config"
