"""The calls of watched organizations in Redis, where the gateway's `settle.lua` and `journal.lua` put them.

`{org_ref}:watched` exists while somebody watches, and for a minute after that; only as long does a call cost its entry
in the stream `{org_ref}:live`, of the last thousand. The stream is gone five minutes after the last call or watcher,
and says where `watched` had ended: there, calls are missing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from integration.live.models import LiveUnavailable, Missed, Place, Seen, WatchedCall
from llmo_core.clock import Clock
from llmo_core.observability import logger

MOST_WATCHERS: Final = 20
MOST_OF_ONE_ACTOR: Final = 5
KEPT_ON_MS: Final = 60_000
_MOST_AT_ONCE: Final = 100
_BEGINNING: Final = "0-0"
_WATCH = Path(__file__).with_name("lua") / "watch.lua"


class RedisLiveCalls:
    """Reads what is settled, and tells the gateway that somebody does.

    Args:
        redis: One connection for each watcher that waits.
        clock: The time by which watchers are kept on.
    """

    def __init__(self, redis: Redis, *, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._watch = redis.register_script(_WATCH.read_bytes())

    async def take(self, org_ref: str, place: Place) -> bool:
        """Take a watcher on for a minute, in place of its actor's oldest where that has many; False for too many."""
        return await self._take(org_ref, place, new=True)

    async def keep(self, org_ref: str, place: Place) -> bool:
        """Keep a watcher on for a minute more; False when others have its place."""
        return await self._take(org_ref, place, new=False)

    async def _take(self, org_ref: str, place: Place, *, new: bool) -> bool:
        now = int(self._clock.now().timestamp() * 1000)
        keys = [f"{{{org_ref}}}:{name}" for name in ("watchers", "watched", "live")]
        most = (MOST_WATCHERS, MOST_OF_ONE_ACTOR)
        with _unavailable():
            taken = await self._watch(keys=keys, args=[str(place.actor_id), place.id, now, KEPT_ON_MS, *most, int(new)])
        return bool(taken)

    async def leave(self, org_ref: str, place: Place) -> None:
        """Make room for another watcher."""
        with _unavailable():
            await self._redis.zrem(f"{{{org_ref}}}:watchers", f"{place.actor_id}:{place.id}")

    async def last(self, org_ref: str) -> str:
        """The position of the last call."""
        with _unavailable():
            entries: list[tuple[bytes, dict[bytes, bytes]]] = await self._command(
                "XREVRANGE", f"{{{org_ref}}}:live", "+", "-", "COUNT", 1
            )
        return entries[0][0].decode() if entries else _BEGINNING

    async def has(self, org_ref: str, position: str) -> bool:
        """Whether the entry at a position is still there, and so all that came after it."""
        with _unavailable():
            return bool(await self._command("XRANGE", f"{{{org_ref}}}:live", position, position))

    async def after(self, org_ref: str, position: str, wait_seconds: float) -> Sequence[Seen | Missed]:
        """What came after a position, or the first thing that comes; nothing when nothing comes in time."""
        block = max(int(wait_seconds * 1000), 1)  # 0 would wait for ever
        name = f"{{{org_ref}}}:live"
        command = ("XREAD", "COUNT", _MOST_AT_ONCE, "BLOCK", block, "STREAMS", name, position)
        with _unavailable():
            found = await self._command(*command)
        seen = [_seen(entry, fields) for _, entries in found for entry, fields in entries]
        # Whoever reads so slowly that entries are trimmed away before it has a thousand ahead.
        if len(seen) == _MOST_AT_ONCE and not await self.has(org_ref, position):
            return [Missed(position), *seen]
        return seen

    async def _command(self, *command: str | int) -> Any:  # noqa: ANN401 - a reply is whatever the command replies
        return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call] # redis-py's own types say less


def _seen(entry: bytes, fields: dict[bytes, bytes]) -> Seen | Missed:
    if b"missed" in fields:
        return Missed(entry.decode())
    try:
        return Seen(entry.decode(), WatchedCall.model_validate(orjson.loads(fields[b"event"])["data"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValidationError) as error:
        logger().warning("a call that cannot be shown", extra={"entry": entry.decode(), "reason": type(error).__name__})
        return Seen(entry.decode(), None)


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise LiveUnavailable from error
