"""Vectors as they are stored, and how near two of them are: one byte a component, and the signs for a first look.

Plain Python: numpy's import alone is half of the gateway's cold start (docs/adr/0019).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nsmallest
from math import isfinite, sqrt, sumprod
from struct import Struct
from typing import Final

ID_BYTES: Final = 16
"""A bucket is a row of records: the id of an entry, then its vector's signs."""
MOST_DIMENSIONS: Final = 4_096
_SCALE: Final = 127
_DIGITS: Final = bytes(ord("1") if 0 < value <= _SCALE else ord("0") for value in range(256))
_FARTHEST: Final = 3  # a third of the signs: a cosine of 0.94 differs in about a ninth, by arccos 0.94 / pi


class NoVector(ValueError):
    """The numbers have no direction."""


@dataclass(frozen=True, slots=True)
class Vector:
    """A direction.

    Attributes:
        values: Its components as signed bytes.
    """

    values: bytes

    @property
    def signs(self) -> bytes:
        """A bit for each component, set where it is above zero; filled up to whole bytes."""
        size = -(-len(self.values) // 8)
        return int(self.values.translate(_DIGITS).ljust(size * 8, b"0"), 2).to_bytes(size)


def quantised(components: Sequence[float]) -> Vector:
    """The direction of these numbers. Raises NoVector for too many or none, for zeros, and for what is no number."""
    if not 0 < len(components) <= MOST_DIMENSIONS or not all(map(isfinite, components)):
        raise NoVector
    largest = max(map(abs, components))
    if not largest:
        raise NoVector
    return Vector(bytes(round(value / largest * _SCALE) & 0xFF for value in components))


def cosine(first: Vector, second: Vector) -> float:
    """From -1 to 1; -1 of vectors that cannot be compared."""
    if len(first.values) != len(second.values):
        return -1.0
    a, b = memoryview(first.values).cast("b").tolist(), memoryview(second.values).cast("b").tolist()
    return sumprod(a, b) / sqrt(sumprod(a, a) * sumprod(b, b))


def nearest(bucket: bytes, signs: bytes, most: int) -> list[bytes]:
    """The ids of the records whose signs differ least, the nearest first; none that differ in more than a third.

    A bucket of vectors of another size holds nothing.
    """
    width = ID_BYTES + len(signs)
    if len(bucket) % width:
        return []
    sought, farthest = int.from_bytes(signs), len(signs) * 8 // _FARTHEST
    records = Struct(f"{ID_BYTES}s{len(signs)}s").iter_unpack(bucket)
    apart = [((int.from_bytes(others) ^ sought).bit_count(), at, name) for at, (name, others) in enumerate(records)]
    return [name for distance, _, name in nsmallest(most, apart) if distance <= farthest]
