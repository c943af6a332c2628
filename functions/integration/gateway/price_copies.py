"""The newest stored edition of the price tables in Redis: the price refresh writes it, gateways read it."""

from datetime import datetime
from typing import Final

from integration.price_editions import SHAPE, EditionName, StoredEdition
from llmo_data.pipelined_redis import PipelinedRedis

_NAME: Final = f"price_tables:{SHAPE}"
_VERSION: Final = b"version"
_DATED: Final = b"dated"
NOTHING_STORED: Final = ""
"""The version where it is known that there is none."""

_REPLACE: Final = "redis.call('DEL', KEYS[1]); redis.call('HSET', KEYS[1], unpack(ARGV))"
_FILL: Final = "if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('HSET', KEYS[1], unpack(ARGV)) end"


class CopyBroken(Exception):
    """What is in Redis is not the edition that it says it is."""


class RedisPriceCopies:
    """One hash, which every command reads or writes whole. Methods raise redis-py's errors."""

    def __init__(self, redis: PipelinedRedis) -> None:
        self._redis = redis

    async def version(self) -> str | None:
        """The edition that is there or NOTHING_STORED; None when nothing is known."""
        version: bytes | None = await self._redis.call("HGET", _NAME, _VERSION)
        return None if version is None else version.decode()

    async def edition(self) -> StoredEdition:
        """The edition that is there. Raises CopyBroken."""
        flat: list[bytes] = await self._redis.call("HGETALL", _NAME)
        known = dict(zip(flat[::2], flat[1::2], strict=True))
        try:
            name = EditionName(known.pop(_VERSION).decode(), datetime.fromisoformat(known.pop(_DATED).decode()))
        except (KeyError, ValueError) as error:
            raise CopyBroken(f"an edition without a name or a date: {error!r}") from error
        edition = StoredEdition(name, {provider.decode(): table for provider, table in known.items()})
        if not edition.is_whole:
            raise CopyBroken(f"these are not the tables of {name.version}")
        return edition

    async def replace(self, edition: StoredEdition) -> None:
        """Put an edition in place of whatever is there."""
        await self._redis.call("EVAL", _REPLACE, 1, _NAME, *_fields(edition))

    async def fill(self, edition: StoredEdition | None) -> None:
        """Note what PostgreSQL has, unless somebody was faster."""
        await self._redis.call("EVAL", _FILL, 1, _NAME, *_fields(edition))


def _fields(edition: StoredEdition | None) -> list[bytes]:
    if edition is None:
        return [_VERSION, NOTHING_STORED.encode()]
    given = {_VERSION: edition.name.version.encode(), _DATED: edition.name.dated.isoformat().encode()}
    given |= {provider.encode(): table for provider, table in edition.tables.items()}
    return [part for field in given.items() for part in field]
