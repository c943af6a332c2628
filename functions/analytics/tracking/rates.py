"""How many events each key of web pages sends, in Redis: the generic cell rate algorithm, as the gateway has it.

Anybody who reads a page can send with its key. Whatever is not used of a minute may be sent at once.
"""

from typing import Final
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from analytics.tracking.models import TooManyEvents
from llmo_core.observability import logger

_MINUTE_MS: Final = 60_000

# KEYS 1 the theoretical arrival time of the next event (ms)   ARGV 1 limit, 2 period (ms), 3 events
# Answers 0 when they may come, else in how many milliseconds they may.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local period = tonumber(ARGV[2])
local known = math.min(tonumber(redis.call('GET', KEYS[1]) or '0'), now + period)
local arrival = math.max(known, now) + tonumber(ARGV[3]) * period / tonumber(ARGV[1])
local wait = arrival - now - period
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.3f', arrival), 'PX', math.ceil(arrival - now))
return 0
"""


class RedisRates:
    """Counts the events of keys.

    Args:
        redis: The gateway's.
        per_minute: The most events of one key in a minute; at least as many as a batch has.
    """

    def __init__(self, redis: Redis, *, per_minute: int) -> None:
        self._take = redis.register_script(_TAKE)
        self._per_minute = per_minute

    async def take(self, key_id: UUID, events: int) -> None:
        """Count events of a key. Raises TooManyEvents, and then counts none.

        Without Redis nothing is counted and all may come: events that are refused are lost, and the limit is there to
        keep a stranger from filling the store, which an outage makes neither easier nor likelier.
        """
        try:
            wait = int(await self._take(keys=[f"analytics:web:{key_id}"], args=[self._per_minute, _MINUTE_MS, events]))
        except RedisError as error:
            logger().warning("events of web pages are not counted", extra={"reason": str(error)})
            return
        if wait:
            raise TooManyEvents(retry_after_seconds=wait / 1000)
