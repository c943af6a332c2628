"""What the gateway's parts share of Redis: scripts, faults, and how answers are stored."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
from redis.exceptions import NoScriptError, RedisError

from integration.gateway.errors import StoreUnavailable
from integration.gateway.facts import Wording
from integration.gateway.metering import Usage
from integration.gateway.models import CachedAnswer
from llmo_data.pipelined_redis import Argument, PipelinedRedis

ACTIVITY_KEY: Final = "gateway:active_orgs"
_LUA = Path(__file__).with_name("lua")


class Script:
    """A Lua script, sent by its hash, and whole when the server does not know it yet."""

    def __init__(self, redis: PipelinedRedis, name: str) -> None:
        self._redis = redis
        self._text = (_LUA / f"{name}.lua").read_bytes()
        self._sha = hashlib.sha1(self._text, usedforsecurity=False).hexdigest()  # Redis's own name for it

    async def __call__(self, keys: list[str], arguments: tuple[Argument, ...]) -> Any:  # noqa: ANN401 - a script's reply
        """Run the script and give its reply."""
        try:
            return await self._redis.call("EVALSHA", self._sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self._redis.call("EVAL", self._text, len(keys), *keys, *arguments)


@contextmanager
def fail_closed() -> Iterator[None]:
    """Turn any fault of Redis into StoreUnavailable."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreUnavailable from error


def milliseconds(moment: datetime) -> int:
    """A moment as Redis scores and scripts take it: milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def encode_answer(answer: CachedAnswer) -> bytes:
    """An answer as it is stored: a line of JSON about it, then the provider's bytes."""
    usage = answer.usage
    counts = {name: count for name in Usage.__slots__ if (count := getattr(usage, name))}
    return orjson.dumps([answer.model, answer.media_type, answer.cost_pico, counts]) + b"\n" + answer.body


def decode_answer(stored: bytes) -> CachedAnswer:
    """The answer that was stored."""
    head, _, body = stored.partition(b"\n")
    model, media_type, cost, counts = orjson.loads(head)
    return CachedAnswer(body, media_type, model, Usage(**{"input_tokens": 0, **counts}), cost)


def encode_wording(wording: Wording) -> bytes:
    """How a message is worded, as it is stored."""
    return orjson.dumps([wording.length, wording.content])


def decode_wording(stored: bytes) -> Wording:
    """The wording that was stored."""
    length, content = orjson.loads(stored)
    return Wording(length, tuple(content))
