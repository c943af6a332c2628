"""Packing: the groups of a grouping set as two fields of a document, counts and sketches.

Each is compressed BSON by column. Nothing asks the server for parts of them, and it is quicker at one field than at
thousands; sketches are many times as large as counts, and most questions need none.
"""

import zlib
from array import array
from collections.abc import Iterator
from typing import Final, NamedTuple

import bson

from analytics.rollups.folding import Groups, largest
from analytics.rollups.models import Key
from analytics.rollups.tallies import COUNTS, Cell

_WIDTH: Final = len(COUNTS)
_SKETCHES: Final = ("latency", "ttft", "speed", "users")
_LEVEL: Final = 1


class Packed(NamedTuple):
    """Groups as they are kept."""

    counts: bytes
    sketches: bytes


def packed(groups: Groups, most: int, most_bytes: int) -> Packed:
    """As many of the largest groups as there is room for; what is left is one group, `OTHERS`."""
    kept = largest(groups, most)
    cells = [tally.cell() for tally in kept.values()]
    counts = {
        "keys": [list(key) for key in kept],
        "counts": array("q", [count for cell in cells for count in cell["counts"]]).tobytes(),
        "cost": [cell["cost"] for cell in cells],
        "saved": [cell["saved"] for cell in cells],
    }
    sketches = {name: [cell[name] for cell in cells] for name in _SKETCHES}
    made = Packed(*[zlib.compress(bson.encode(each), level=_LEVEL) for each in (counts, sketches)])
    if len(made.counts) + len(made.sketches) <= most_bytes or most == 1:
        return made
    return packed(groups, max(1, min(most, len(groups)) // 2), most_bytes)


def unpacked(counts: bytes, sketches: bytes | None) -> Iterator[tuple[Key, Cell]]:
    """The groups, each with its key; without sketches where these were not read."""
    columns = bson.decode(zlib.decompress(counts))
    drawn = bson.decode(zlib.decompress(sketches)) if sketches is not None else {}
    numbers = array("q", columns["counts"])
    for index, (key, cost, saved) in enumerate(zip(columns["keys"], columns["cost"], columns["saved"], strict=True)):
        cell = {name: column[index] for name, column in drawn.items()}
        cell |= {"counts": numbers[index * _WIDTH : (index + 1) * _WIDTH], "cost": cost, "saved": saved}
        yield tuple(key), cell
