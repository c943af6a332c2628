"""Tallies: what adds up over calls, in a form that is quick to add to and small to keep.

Percentiles come from DDSketch histograms, which merge exactly. Unique users are counted by their k smallest hashes
(KMV): exact up to k users, and within 5 % of the truth, nineteen times of twenty, above. Source:
https://doi.org/10.1007/3-540-45726-7_1 (Bar-Yossef et al., Counting Distinct Elements in a Data Stream).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Context, Decimal
from hashlib import blake2b
from heapq import nsmallest
from operator import attrgetter
from typing import Any, Final

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

SKETCHES: Final = ("latency", "ttft", "speed")
"""The histograms of a tally."""

_SUMMED: Final = COUNTS[1:]
_EXACT: Final = Context(prec=60)
_DECIMALS: Final = 12
_HASH_BYTES: Final = 8
_HASHES: Final = 2 ** (8 * _HASH_BYTES)
_HASHES_KEPT: Final = EXACT_USERS + 1

type Histogram = dict[int, int]
"""How many values lie in each bucket of `analytics.percentiles`."""


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
        self.latency: Histogram = {}
        self.ttft: Histogram = {}
        self.speed: Histogram = {}
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
        for name in SKETCHES:
            if theirs := getattr(other, name):
                add_buckets(getattr(self, name), theirs.items())
        self.users |= other.users

    @classmethod
    def sum(cls, tallies: Collection["Tally"]) -> "Tally":
        """What all of them counted; of a single one, that one itself. Quicker than merging one after the other."""
        if len(tallies) == 1:
            return next(iter(tallies))
        everything = cls()
        if tallies:
            everything.counts = [sum(each) for each in zip(*[tally.counts for tally in tallies], strict=True)]
        everything.cost = sum([tally.cost for tally in tallies])
        everything.saved = sum([tally.saved for tally in tallies])
        for name in SKETCHES:
            histogram: Histogram = getattr(everything, name)
            for theirs in filter(None, map(attrgetter(name), tallies)):
                add_buckets(histogram, theirs.items())
        everything.users.update(*[tally.users for tally in tallies if tally.users])
        return everything

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


def kept_hashes(users: Collection[int]) -> Sequence[int]:
    """Of the hashes of end users those that are needed to count them."""
    return nsmallest(_HASHES_KEPT, users) if len(users) > _HASHES_KEPT else sorted(users)


def add_buckets(into: Histogram, buckets: Iterable[tuple[int, int]]) -> None:
    """Count values that lie in buckets."""
    get = into.get
    for bucket, count in buckets:
        into[bucket] = get(bucket, 0) + count
