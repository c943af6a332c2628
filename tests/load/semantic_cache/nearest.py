"""Finding the nearest of a bucket's vectors by brute force: in the gateway's process, and in Redis."""

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from heapq import nsmallest
from importlib import import_module
from math import sqrt, sumprod
from typing import Any, Final

from llmo_data.pipelined_redis import PipelinedRedis
from tests.integration.stores import redis_server

COUNTS: Final = (100, 256, 1_000, 5_000)
DIMENSIONS: Final = 384
_SCALE: Final = 127
_SIGN_BYTES: Final = DIMENSIONS // 8
_RESCORED: Final = 8
_BUDGET_SECONDS: Final = 0.5
_LUA: Final = b"""
local bucket, query = redis.call('GET', KEYS[1]), {string.byte(ARGV[1], 1, -1)}
for i, b in ipairs(query) do query[i] = b < 128 and b or b - 256 end
local size, best, place = #query, -1, 0
for from = 1, #bucket, size do
  local vector, sum = {string.byte(bucket, from, from + size - 1)}, 0
  for i = 1, size do
    local b = vector[i]
    sum = sum + query[i] * (b < 128 and b or b - 256)
  end
  if sum > best then best, place = sum, from end
end
return {best, place}
"""


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds to find the nearest of so many; CPU is this process's own."""

    how: str
    count: int
    cpu_ms: float
    wall_ms: float

    def row(self) -> str:
        """A line of the table."""
        return f"{self.how:<44} {self.count:>6,} {self.cpu_ms:>9.3f} {self.wall_ms:>9.3f}"


HEADING: Final = f"{'how':<44} {'count':>6} {'CPU ms':>9} {'wall ms':>9}"


class _Bucket:
    def __init__(self, count: int) -> None:
        numbers = random.Random(count)  # noqa: S311 - a benchmark's vectors
        vectors = [_unit([numbers.gauss(0, 1) for _ in range(DIMENSIONS)]) for _ in range(count)]
        self.count = count
        self.text = b"".join(map(_quantised, vectors))
        self.signs = b"".join(map(_signs, vectors))
        self.query = _quantised(_unit([value + numbers.gauss(0, 0.01) for value in vectors[count // 2]]))
        self.query_signs = _signs(_signed(self.query))


async def measure() -> list[Timing]:
    """Time every way at every size."""
    timings = []
    async with redis_server() as url:
        redis = PipelinedRedis(url)
        sha = await redis.call("SCRIPT", "LOAD", _LUA)
        for bucket in map(_Bucket, COUNTS):
            await redis.call("SET", "{b}:vectors", bucket.text)
            await redis.call("SET", "{b}:signs", bucket.signs)
            for how, search in _searches(bucket, redis, sha).items():
                timings.append(await _timed(how, bucket.count, search))
        await redis.aclose()
    return timings


def _searches(bucket: _Bucket, redis: PipelinedRedis, sha: bytes) -> dict[str, Callable[[], Awaitable[int]]]:
    numpy = import_module("numpy")

    async def plain() -> int:
        return _plain(bucket)

    async def by_signs() -> int:
        return _by_signs(bucket)

    async def with_numpy() -> int:
        return _with_numpy(numpy, bucket)

    async def in_lua() -> int:
        answer = await redis.call("EVALSHA", sha, 1, "{b}:vectors", bucket.query)
        return int(answer[1]) // DIMENSIONS

    async def fetched() -> int:
        return _found(bucket, len(await redis.call("GET", "{b}:vectors")) == len(bucket.text))

    async def fetched_signs() -> int:
        return _found(bucket, len(await redis.call("GET", "{b}:signs")) == len(bucket.signs))

    return {
        "gateway: int8, numpy": with_numpy,
        "gateway: int8, math.sumprod": plain,
        "gateway: sign bits, then int8 of the best 8": by_signs,
        "wire: GET of int8 vectors (384 B each)": fetched,
        "wire: GET of sign bits (48 B each)": fetched_signs,
        "Redis: int8 in Lua (blocks everybody)": in_lua,
    }


async def _timed(how: str, count: int, search: Callable[[], Awaitable[int]]) -> Timing:
    if await search() != count // 2:
        raise RuntimeError(f"{how} finds another vector")
    rounds, began, cpu = 0, time.perf_counter(), time.process_time()
    while rounds == 0 or time.perf_counter() - began < _BUDGET_SECONDS:
        await search()
        rounds += 1
    wall, spent = time.perf_counter() - began, time.process_time() - cpu
    return Timing(how, count, round(spent / rounds * 1000, 3), round(wall / rounds * 1000, 3))


def _plain(bucket: _Bucket) -> int:
    query, values = _signed(bucket.query), memoryview(bucket.text).cast("b").tolist()
    starts = range(0, len(values), DIMENSIONS)
    scores = [sumprod(values[start : start + DIMENSIONS], query) for start in starts]
    return scores.index(max(scores))


def _by_signs(bucket: _Bucket) -> int:
    sought = int.from_bytes(bucket.query_signs)
    signs, text = bucket.signs, bucket.text
    apart = [
        ((int.from_bytes(signs[start : start + _SIGN_BYTES]) ^ sought).bit_count(), start // _SIGN_BYTES)
        for start in range(0, len(signs), _SIGN_BYTES)
    ]
    query = _signed(bucket.query)
    places = [place for _, place in nsmallest(_RESCORED, apart)]
    return max(places, key=lambda place: sumprod(_signed(text[place * DIMENSIONS :][:DIMENSIONS]), query))


def _with_numpy(numpy: Any, bucket: _Bucket) -> int:
    vectors = numpy.frombuffer(bucket.text, dtype=numpy.int8).reshape(-1, DIMENSIONS).astype(numpy.float32)
    query = numpy.frombuffer(bucket.query, dtype=numpy.int8).astype(numpy.float32)
    return int((vectors @ query).argmax())


def _found(bucket: _Bucket, whole: bool) -> int:  # noqa: FBT001 - what was checked
    return bucket.count // 2 if whole else -1


def _unit(vector: list[float]) -> list[float]:
    length = sqrt(sumprod(vector, vector))
    return [value / length for value in vector]


def _quantised(vector: list[float]) -> bytes:
    largest = max(map(abs, vector))
    return bytes(round(value / largest * _SCALE) & 0xFF for value in vector)


def _signed(text: bytes) -> list[int]:
    return memoryview(text).cast("b").tolist()


def _signs(vector: list[float] | list[int]) -> bytes:
    bits = sum((value > 0) << place for place, value in enumerate(vector))
    return bits.to_bytes(_SIGN_BYTES)
