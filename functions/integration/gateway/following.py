"""Waiting for the answer to an equal call that is under way, of whatever process."""

import asyncio
from collections.abc import Callable
from typing import Final

from integration.gateway.call import Call
from integration.gateway.models import CachedAnswer, KeyRecord
from integration.gateway.store import decode_answer, fail_closed
from llmo_auth.api_key import ApiKey
from llmo_data.pipelined_redis import PipelinedRedis

_FIRST_LOOK_SECONDS: Final = 0.01
_RAREST_LOOK_SECONDS: Final = 0.1
_LONGEST_SECONDS: Final = 60.0


class RedisFollowing:
    """Follows calls that lead: it looks for their answers in Redis, less and less often.

    Args:
        timer: Monotonic seconds.

    Attributes:
        waiting: How many calls of this process wait for an equal one.
    """

    def __init__(self, redis: PipelinedRedis, *, timer: Callable[[], float]) -> None:
        self._redis = redis
        self._timer = timer
        self.waiting = 0

    async def answer(self, key: ApiKey, call: Call, owner: KeyRecord) -> CachedAnswer | None:
        """The answer to the call that leads; None when it ends without one, or takes too long."""
        tag, name = f"{{{key.org_ref}}}", f"{owner.project_id}:{call.cache_digest}"
        self.waiting += 1
        try:
            return await self._looked_for(f"{tag}:cache:{name}", f"{tag}:leading:{name}")
        finally:
            self.waiting -= 1

    async def _looked_for(self, answer_name: str, leader_name: str) -> CachedAnswer | None:
        pause, deadline = _FIRST_LOOK_SECONDS, self._timer() + _LONGEST_SECONDS
        while self._timer() < deadline:
            await asyncio.sleep(pause)
            with fail_closed():
                answer, leader = await self._redis.call("MGET", answer_name, leader_name)
            if answer is not None or leader is None:
                return None if answer is None else decode_answer(answer)
            pause = min(pause * 1.5, _RAREST_LOOK_SECONDS)
        return None
