"""Columns: the groups of one grouping set as they are kept, column by column, and read, only those that are needed.

A column of numbers is a byte that says how wide they are, and then the numbers, in the machine's order: little-endian.
Nothing asks the server for parts of a column, and it is quicker at a few fields than at thousands.
"""

import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any, Final

import bson
import orjson

from analytics.rollups.models import Key, Value
from analytics.rollups.tallies import COUNTS, SKETCHES, Tally, kept_hashes

COUNTED: Final = (*COUNTS, "cost", "saved")
"""The columns of exact numbers; dollars are in 10^-12."""

_WIDTHS: Final = (("B", 2**8), ("H", 2**16), ("I", 2**32), ("Q", 2**64))
_WIDE: Final = b"*"  # more digits than 64 bits have: decimal text
_PLAIN, _SQUEEZED = b"-", b"z"
_WORTH_SQUEEZING: Final = 1_000  # bytes
_LEVEL: Final = 1

type Kept = Mapping[str, bytes]
"""The fields of a grouping set in a document: `counts`, which has the keys too, and histograms that are not empty."""


class Columns:
    """Groups that were kept. What was not read from the store is as if it were empty."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._counts = _read(kept["counts"])
        self.rows: int = self._counts["rows"]

    def values(self, index: int) -> Sequence[Value]:
        """Each group's value of a dimension, by its index in the grouping set."""
        if not self.rows:
            return ()
        coded = self._counts["keys"][index]
        different: Sequence[Value] = orjson.loads(coded["values"])
        if coded["codes"] is None:
            return different
        return [different[code] for code in _numbers(coded["codes"])]

    def keys(self) -> Sequence[Key]:
        """Each group's values of all dimensions."""
        parts = [self.values(index) for index in range(len(self._counts["keys"]))]
        return list(zip(*parts, strict=True)) if parts else [()] * self.rows

    def numbers(self, name: str) -> Sequence[int]:
        """Each group's number of COUNTED; nothing where all are zero."""
        return _numbers(self._counts[name]) if name in self._counts else ()

    def histograms(self, name: str) -> Iterator[tuple[int, Iterable[tuple[int, int]]]]:
        """Groups by their index, each with buckets and how many values are in them; those without any are left out."""
        if name not in self._kept:
            return
        drawn = _read(self._kept[name])
        buckets, counts = array("h", drawn["buckets"]), _numbers(drawn["counts"])
        for row, start, end in _spans(drawn["lengths"]):
            yield row, zip(buckets[start:end], counts[start:end], strict=True)

    def users(self) -> Iterator[tuple[int, Sequence[int]]]:
        """Groups by their index, each with hashes of its end users."""
        if "users" not in self._kept:
            return
        drawn = _read(self._kept["users"])
        hashes = array("Q", drawn["hashes"])
        for row, start, end in _spans(drawn["lengths"]):
            yield row, hashes[start:end]


def fields(groups: Mapping[Key, Tally]) -> Kept:
    """Groups as they are kept."""
    tallies = list(groups.values())
    counts: dict[str, Any] = {"rows": len(tallies), "keys": [_coded(each) for each in zip(*groups, strict=True)]}
    numbers = {name: [tally.counts[index] for tally in tallies] for index, name in enumerate(COUNTS)}
    numbers |= {"cost": [tally.cost for tally in tallies], "saved": [tally.saved for tally in tallies]}
    counts |= {name: _column(each) for name, each in numbers.items() if any(each)}
    kept = {"counts": _written(counts)}
    for name in SKETCHES:
        histograms: list[Mapping[int, int]] = [getattr(tally, name) for tally in tallies]
        if any(histograms):
            kept[name] = _written(_drawn(histograms))
    if any(tally.users for tally in tallies):
        hashes = [kept_hashes(tally.users) for tally in tallies]
        whole = array("Q", chain.from_iterable(hashes)).tobytes()
        kept["users"] = _written({"lengths": _column([len(each) for each in hashes]), "hashes": whole})
    return kept


def _drawn(histograms: Sequence[Mapping[int, int]]) -> dict[str, bytes]:
    ordered = [sorted(histogram.items()) for histogram in histograms]
    return {
        "lengths": _column([len(each) for each in ordered]),
        "buckets": array("h", [bucket for each in ordered for bucket, _ in each]).tobytes(),
        "counts": _column([count for each in ordered for _, count in each]),
    }


def _coded(values: Sequence[Value]) -> dict[str, Any]:
    """Each value once, and which of them each group has; None where every group has another one."""
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    codes = _column([places[value] for value in values]) if len(places) < len(values) else None
    return {"values": orjson.dumps(list(places)), "codes": codes}


def _spans(lengths: bytes) -> Iterator[tuple[int, int, int]]:
    start = 0
    for row, end in enumerate(accumulate(_numbers(lengths))):
        if end > start:
            yield row, start, end
        start = end


def _column(numbers: Sequence[int]) -> bytes:
    """None of the numbers is negative."""
    most = max(numbers, default=0)
    code = next((code for code, limit in _WIDTHS if most < limit), None)
    if code is None:
        return _WIDE + ",".join(map(str, numbers)).encode()
    return code.encode() + array(code, numbers).tobytes()


def _numbers(column: bytes) -> Sequence[int]:
    if column[0] == _WIDE[0]:
        return [int(number) for number in column[1:].split(b",")]
    return array(chr(column[0]), column[1:])


def _written(columns: Mapping[str, Any]) -> bytes:
    plain = bson.encode(columns)
    return _PLAIN + plain if len(plain) < _WORTH_SQUEEZING else _SQUEEZED + zlib.compress(plain, level=_LEVEL)


def _read(written: bytes) -> dict[str, Any]:
    rest = written[1:]
    return bson.decode(zlib.decompress(rest) if written[:1] == _SQUEEZED else rest)
