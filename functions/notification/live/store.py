"""What came into inboxes lately, in Redis: for each person a stream of the last hundred items.

It is gone an hour after the last of them; the inbox itself is in PostgreSQL. Keys of a person share the hash tag
`{inbox:<user id>}`, hence one slot of a cluster.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError
from redis.typing import EncodableT, FieldT

from llmo_core.clock import Clock
from llmo_core.observability import logger
from notification.inbox.models import InboxItem
from notification.live.models import Arrived, LiveItem, LiveUnavailable

MOST_WATCHERS: Final = 5
MOST_ITEMS: Final = 100
KEPT_MS: Final = 3_600_000
KEPT_ON_MS: Final = 60_000
_WATCH: Final = Path(__file__).with_name("lua") / "watch.lua"


class RedisLiveInboxes:
    """Puts items where who watches reads them.

    Args:
        redis: One connection for each watcher that waits.
        clock: The time by which watchers are kept on.
    """

    def __init__(self, redis: Redis, *, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._watch = redis.register_script(_WATCH.read_bytes())

    async def put(self, items: Sequence[InboxItem]) -> None:
        """Show items to who watches, or comes back within an hour. Raises LiveUnavailable."""
        with _unavailable():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for item in items:
                    name = _name(item.user_id, "live")
                    entry: dict[FieldT, EncodableT] = {"item": LiveItem.of(item).model_dump_json()}
                    pipeline.xadd(name, entry, maxlen=MOST_ITEMS, approximate=False)
                    pipeline.pexpire(name, KEPT_MS)
                await pipeline.execute()

    async def take(self, user_id: UUID, watcher: str) -> None:
        """Take a watcher on for a minute, in place of the person's oldest where they have many."""
        await self._taken(user_id, watcher, new=True)

    async def keep(self, user_id: UUID, watcher: str) -> bool:
        """Keep a watcher on for a minute more; False when others have its place."""
        return await self._taken(user_id, watcher, new=False)

    async def _taken(self, user_id: UUID, watcher: str, *, new: bool) -> bool:
        arguments: list[EncodableT] = [watcher, self._now(), KEPT_ON_MS, MOST_WATCHERS, int(new)]
        with _unavailable():
            return bool(await self._watch(keys=[_name(user_id, "watchers")], args=arguments))

    async def leave(self, user_id: UUID, watcher: str) -> None:
        """Make room for another watcher."""
        with _unavailable():
            await self._redis.zrem(_name(user_id, "watchers"), watcher)

    async def last(self, user_id: UUID) -> str:
        """The position of what came last, or of now: a later one than that of whatever came before."""
        with _unavailable():
            entries = await self._command("XREVRANGE", _name(user_id, "live"), "+", "-", "COUNT", 1)
            if entries:
                return str(entries[0][0].decode())
            seconds, _ = await self._command("TIME")
        return f"{(int(seconds) - 1) * 1000}-0"

    async def complete_since(self, user_id: UUID, position: str) -> bool:
        """Whether all is still there that came after a position.

        Nothing is, once as many have come as are kept; nor after as long as they are kept.
        """
        name = _name(user_id, "live")
        with _unavailable():
            seconds, _ = await self._command("TIME")
            first = await self._command("XRANGE", name, "-", "+", "COUNT", 1)
            length = int(await self._command("XLEN", name))
        if int(position.partition("-")[0]) <= int(seconds) * 1000 - KEPT_MS:
            return False
        return length < MOST_ITEMS or _parts(first[0][0].decode()) <= _parts(position)

    async def after(self, user_id: UUID, position: str, wait_seconds: float) -> Sequence[Arrived]:
        """What came after a position, or the first thing that comes; nothing when nothing comes in time."""
        block = max(int(wait_seconds * 1000), 1)  # 0 would wait for ever
        command = ("XREAD", "COUNT", MOST_ITEMS, "BLOCK", block, "STREAMS", _name(user_id, "live"), position)
        with _unavailable():
            found = await self._command(*command)
        return [_arrived(entry, fields) for _, entries in found for entry, fields in entries]

    def _now(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    async def _command(self, *command: str | int) -> Any:  # noqa: ANN401 - a reply is whatever the command replies
        return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call] # redis-py's own types say less


def _name(user_id: UUID, what: str) -> str:
    return f"{{inbox:{user_id}}}:{what}"


def _parts(position: str) -> tuple[int, int]:
    milliseconds, _, number = position.partition("-")
    return int(milliseconds), int(number)


def _arrived(entry: bytes, fields: dict[bytes, bytes]) -> Arrived:
    try:
        return Arrived(entry.decode(), LiveItem.model_validate_json(fields[b"item"]))
    except (KeyError, ValidationError) as error:
        logger().warning(
            "an item that cannot be shown", extra={"entry": entry.decode(), "reason": type(error).__name__}
        )
        return Arrived(entry.decode(), None)


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise LiveUnavailable from error
