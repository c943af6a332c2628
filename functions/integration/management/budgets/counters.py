"""What the gateway counted, in Redis."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from integration.management.budgets.models import Amounts, CountersUnavailable
from llmo_core.money import from_pico
from llmo_core.observability import logger


class RedisCounters:
    """Counters and the indexes of whom they are for."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def amounts(self, org_ref: str, names: Sequence[str]) -> Sequence[Amounts]:
        """What each of these counters has; nothing where there is none. Raises CountersUnavailable."""
        if not names:
            return []
        with _available():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.hmget(f"{{{org_ref}}}{name}", ["spent", "held"])
                found: list[list[bytes | None]] = await pipeline.execute()
        return [_amounts(spent, held) for spent, held in found]

    async def subjects(self, org_ref: str, index: str, *, first: int, limit: int) -> Sequence[str]:
        """At most `limit` subjects from this position on, those first who spent the most.

        Raises CountersUnavailable.
        """
        with _available():
            found: Any = await self._redis.zrange(f"{{{org_ref}}}{index}", first, first + limit - 1, desc=True)
        return [subject.decode() for subject in found]


def _amounts(spent: bytes | None, held: bytes | None) -> Amounts:
    return Amounts(spent_usd=from_pico(int(spent or 0)), held_usd=from_pico(int(held or 0)))


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        logger().exception("what is spent of budgets cannot be read")
        raise CountersUnavailable from error
