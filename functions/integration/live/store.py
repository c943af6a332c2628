"""The calls of watched organizations in Redis, where the gateway's `settle.lua` and `journal.lua` put them.

`{org_ref}:watched` exists while somebody watches, and for a minute after that; only as long does a call cost its entry
in the stream `{org_ref}:live`, of the last thousand and gone five minutes after the last one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from integration.live.models import LiveUnavailable, Seen, WatchedCall
from llmo_core.clock import Clock
from llmo_core.observability import logger

MOST_WATCHERS: Final = 20
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

    async def watch(self, org_ref: str, watcher: str) -> bool:
        """Take a watcher on, or keep it on for a minute; False when there are too many."""
        now = int(self._clock.now().timestamp() * 1000)
        keys = [f"{{{org_ref}}}:watchers", f"{{{org_ref}}}:watched"]
        with _unavailable():
            return bool(await self._watch(keys=keys, args=[watcher, now, KEPT_ON_MS, MOST_WATCHERS]))

    async def leave(self, org_ref: str, watcher: str) -> None:
        """Make room for another watcher."""
        with _unavailable():
            await self._redis.zrem(f"{{{org_ref}}}:watchers", watcher)

    async def last(self, org_ref: str) -> str:
        """The position of the last call."""
        with _unavailable():
            entries: list[tuple[bytes, dict[bytes, bytes]]] = await self._command(
                "XREVRANGE", f"{{{org_ref}}}:live", "+", "-", "COUNT", 1
            )
        return entries[0][0].decode() if entries else _BEGINNING

    async def has(self, org_ref: str, position: str) -> bool:
        """Whether the call at a position is still there."""
        with _unavailable():
            return bool(await self._command("XRANGE", f"{{{org_ref}}}:live", position, position))

    async def after(self, org_ref: str, position: str, wait_seconds: float) -> Sequence[Seen]:
        """What came after a position, or the first thing that comes; nothing when nothing comes in time."""
        block = max(int(wait_seconds * 1000), 1)  # 0 would wait for ever
        name = f"{{{org_ref}}}:live"
        command = ("XREAD", "COUNT", _MOST_AT_ONCE, "BLOCK", block, "STREAMS", name, position)
        with _unavailable():
            found = await self._command(*command)
        return [_seen(entry, fields) for _, entries in found for entry, fields in entries]

    async def _command(self, *command: str | int) -> Any:  # noqa: ANN401 - a reply is whatever the command replies
        return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call] # redis-py's own types say less


def _seen(entry: bytes, fields: dict[bytes, bytes]) -> Seen:
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
