"""What everybody's calls tell of targets, in Redis: circuits, latencies, and calls under way.

It is told and not waited for: it leaves together with the call's settlement. What is lost makes a choice worse, and
nothing wrong.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final
from uuid import UUID

from redis.exceptions import RedisError

from integration.gateway.journey import FAILURES_THAT_OPEN
from integration.gateway.models import Ending
from integration.gateway.planning import Target
from integration.gateway.store import Script, milliseconds
from llmo_core.clock import Clock
from llmo_core.observability import logger
from llmo_data.pipelined_redis import PipelinedRedis

_OPEN_MS: Final = 30_000
_LONGEST_CALL_MS: Final = 900_000
_REMEMBERED_MS: Final = 3_600_000


class RedisTargetHealth:
    """Target health, shared by every gateway of the deployment."""

    def __init__(self, redis: PipelinedRedis, *, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._report = Script(redis, "report")
        self._telling: set[asyncio.Task[None]] = set()

    def began(self, org_ref: str, target: Target, call_id: UUID) -> None:
        """A call to a target is under way."""
        busy = f"{_name(org_ref, target)}:busy"
        self._tell(self._begin(busy, milliseconds(self._clock.now()) + _LONGEST_CALL_MS, str(call_id)))

    def ended(self, org_ref: str, target: Target, call_id: UUID, ending: Ending, latency_ms: float | None) -> None:
        """A call to a target has ended; its answer began after so many milliseconds."""
        name = _name(org_ref, target)
        arguments = (
            str(call_id),
            ending.value,
            milliseconds(self._clock.now()),
            "" if latency_ms is None else f"{latency_ms:.3f}",
            FAILURES_THAT_OPEN,
            _OPEN_MS,
            _REMEMBERED_MS,
        )
        self._tell(self._report([name, f"{name}:busy"], arguments))

    async def may_probe(self, org_ref: str, target: Target) -> bool:
        """Whether this call is the one that finds out if a target works again; none is while Redis does not answer."""
        name = f"{_name(org_ref, target)}:probe"
        try:
            claimed: bytes | None = await self._redis.call("SET", name, 1, "PX", _OPEN_MS, "NX")
        except (RedisError, OSError):
            return False
        return claimed is not None

    async def _begin(self, busy: str, expiry: int, call_id: str) -> None:
        await self._redis.call("ZADD", busy, expiry, call_id)
        await self._redis.call("PEXPIREAT", busy, expiry)

    def _tell(self, telling: Coroutine[Any, Any, None]) -> None:
        async def tell() -> None:
            try:
                await telling
            except (RedisError, OSError) as error:
                logger().warning("a target's health is not recorded", extra={"reason": repr(error)})

        task = asyncio.create_task(tell())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)


def _name(org_ref: str, target: Target) -> str:
    return f"{{{org_ref}}}:target:{target.id}"
