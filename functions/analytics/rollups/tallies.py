"""Tallies: what adds up over calls, in a form that is quick to add to and small to keep.

Percentiles come from DDSketch histograms, which merge exactly. Unique users are counted by their k smallest hashes
(KMV): exact up to k users, and within 5 % of the truth, nineteen times of twenty, above. Source:
https://doi.org/10.1007/3-540-45726-7_1 (Bar-Yossef et al., Counting Distinct Elements in a Data Stream).
"""

from array import array
from collections.abc import Iterable, Mapping
from decimal import Context, Decimal
from hashlib import blake2b
from heapq import nsmallest
from typing import Any, Final

from analytics.percentiles import Histogram

COUNTS: Final = (
    "requests",
    "errors",
    "cache_hits",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "attempts",
    "spared_input_tokens",
)
EXACT_USERS: Final = 2048
"""Up to how many unique users are counted exactly."""

_SKETCHES: Final = ("latency", "ttft", "speed")
_SUMMED: Final = COUNTS[1:]
_EXACT: Final = Context(prec=60)
_DECIMALS: Final = 12
_LARGEST: Final = 2**63 - 1  # that MongoDB can hold: a provider that invents numbers must not stop a rollup
_HASH_BYTES: Final = 8
_HASHES: Final = 2 ** (8 * _HASH_BYTES)
_HASHES_KEPT: Final = EXACT_USERS + 1
_BUCKET_BYTES: Final = 6

type Cell = Mapping[str, Any]
"""A tally as it is kept: counts, dollars as text, and bytes of histograms and hashes."""


class Tally:
    """What some calls add up to.

    Attributes:
        counts: In the order of COUNTS.
        cost: In 10^-12 US dollars, like `saved`.
        latency: Milliseconds, like `ttft`, which only streamed calls have.
        speed: Output tokens a second, of the calls that report it.
        users: Hashes of end users; the smallest of them, where there are very many.
    """

    __slots__ = ("cost", "counts", "latency", "saved", "speed", "ttft", "users")

    def __init__(self) -> None:
        self.counts = [0] * len(COUNTS)
        self.cost = 0
        self.saved = 0
        self.latency: dict[int, int] = {}
        self.ttft: dict[int, int] = {}
        self.speed: dict[int, int] = {}
        self.users: set[int] = set()

    @property
    def requests(self) -> int:
        """How many calls."""
        return self.counts[0]

    def add_call(self, call: Mapping[str, Any]) -> None:
        """Count a call as the usage store keeps it; `cost` and `saved` are added by `add_dollars`."""
        counts = self.counts
        counts[0] += 1
        for index, name in enumerate(_SUMMED, 1):
            counts[index] += call[name]
        for histogram, bucket in (
            (self.latency, call["latency_bucket"]),
            (self.ttft, call["ttft_bucket"]),
            (self.speed, call.get("speed_bucket")),
        ):
            if bucket is not None:
                histogram[bucket] = histogram.get(bucket, 0) + 1

    def add_dollars(self, cost: int, saved: int) -> None:
        """Count dollars, in 10^-12."""
        self.cost += cost
        self.saved += saved

    def merge(self, other: "Tally") -> None:
        """Count everything that another one counted."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.cost += other.cost
        self.saved += other.saved
        for name in _SKETCHES:
            _merge(getattr(self, name), getattr(other, name).items())
        self.users |= other.users

    def merge_cell(self, cell: Cell, *, sketches: Iterable[str] = _SKETCHES, users: bool = True) -> None:
        """Count what a kept tally counted; of histograms those that are named."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, cell["counts"], strict=True)]
        self.cost += int(cell["cost"])
        self.saved += int(cell["saved"])
        for name in sketches:
            if packed := cell[name]:
                _merge(getattr(self, name), _unpacked(packed))
        if users and cell["users"]:
            self.users.update(array("Q", cell["users"]))

    def cell(self) -> dict[str, Any]:
        """Itself as it is kept."""
        return {
            "counts": [min(count, _LARGEST) for count in self.counts],
            "cost": str(self.cost),
            "saved": str(self.saved),
            **{name: _packed(getattr(self, name)) for name in _SKETCHES},
            "users": array("Q", nsmallest(_HASHES_KEPT, self.users)).tobytes(),
        }

    def unique_users(self) -> tuple[int, bool]:
        """How many end users there were, and whether that is exact."""
        if len(self.users) <= EXACT_USERS:
            return len(self.users), True
        smallest = nsmallest(_HASHES_KEPT, self.users)
        return round((_HASHES_KEPT - 1) * _HASHES / smallest[-1]), False


def pico(dollars: Decimal) -> int:
    """Dollars in 10^-12 of them."""
    return int(_EXACT.scaleb(dollars, _DECIMALS))


def dollars(pico_dollars: int) -> Decimal:
    """Dollars of 10^-12 of them, without needless zeros."""
    exact = _EXACT.scaleb(Decimal(pico_dollars), -_DECIMALS)
    return _EXACT.normalize(exact) if exact else Decimal(0)


def user_hash(name: str) -> int:
    """What an end user is counted by."""
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_HASH_BYTES).digest())


def _merge(into: dict[int, int], buckets: Iterable[tuple[int, int]]) -> None:
    get = into.get
    for bucket, count in buckets:
        into[bucket] = get(bucket, 0) + count


def _packed(histogram: Histogram) -> bytes:
    """Buckets as 16-bit numbers, then their counts as 32-bit ones, both in the machine's order: little-endian."""
    buckets = sorted(histogram)
    return array("h", buckets).tobytes() + array("I", [histogram[bucket] for bucket in buckets]).tobytes()


def _unpacked(packed: bytes) -> Iterable[tuple[int, int]]:
    split = len(packed) // _BUCKET_BYTES * 2
    return zip(array("h", packed[:split]), array("I", packed[split:]), strict=True)
