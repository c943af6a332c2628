"""Planning: which rollups answer a question, and where the calls themselves must."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from analytics.rollups.models import COARSER, FINER, Granularity

type Range = tuple[datetime, datetime]
"""[start, end), in UTC."""

_WORTH_A_DAY: Final = 3  # hours


@dataclass(frozen=True, slots=True)
class Sources:
    """Units and ranges that touch and never overlap: together they are exactly what is asked for.

    Attributes:
        units: Starts of the rollups to read, by granularity.
        raw: Ranges in which calls are read.
    """

    units: dict[Granularity, list[datetime]] = field(default_factory=lambda: {each: [] for each in Granularity})
    raw: list[Range] = field(default_factory=list)


def sources(steps: Iterable[Range], *, stale: Collection[tuple[Granularity, datetime]]) -> Sources:
    """The largest rollups that fit into each step; what is stale, at the edges or of a part of a minute is split.

    Args:
        steps: Ascending, and not overlapping: no unit reaches from one into the next.
        stale: Units whose rollups are not what the calls say any more.
    """
    found, all_stale = Sources(), _with_coarser(stale)
    for start, end in steps:
        _split(found, start, end, Granularity.DAY, all_stale)
    return found


def by_day(
    hours: Iterable[datetime], *, stale: Collection[tuple[Granularity, datetime]]
) -> tuple[dict[datetime, list[datetime]], list[datetime]]:
    """Hours that the rollups of their days have, by day, and those that are read one by one.

    These are the hours of days that are stale, and single ones: a day has more than they are worth.

    Args:
        hours: Ascending.
        stale: Like that of `sources`.
    """
    days, rest, all_stale = defaultdict[datetime, list[datetime]](list), list[datetime](), _with_coarser(stale)
    for hour in hours:
        days[Granularity.DAY.floor(hour)].append(hour)
    for day in list(days):
        if (Granularity.DAY, day) in all_stale or len(days[day]) < _WORTH_A_DAY:
            rest += days.pop(day)
    return days, rest


def runs(starts: Sequence[datetime], granularity: Granularity, *, gap: int = 0) -> Iterator[Range]:
    """Ranges that cover units.

    Args:
        starts: Ascending.
        granularity: The units'.
        gap: How many units may be missing between two of a range.
    """
    start = end = starts[0]
    for each in starts:
        if each > end + granularity.length * gap:
            yield start, end
            start = each
        end = each + granularity.length
    yield start, end


def _split(
    found: Sources, start: datetime, end: datetime, granularity: Granularity, stale: Collection[tuple[str, datetime]]
) -> None:
    first, last = granularity.ceiling(start), granularity.floor(end)
    if first >= last:
        _finer(found, start, end, granularity, stale)
        return
    _finer(found, start, first, granularity, stale)
    while first < last:
        if (granularity, first) in stale:
            _finer(found, first, first + granularity.length, granularity, stale)
        else:
            found.units[granularity].append(first)
        first += granularity.length
    _finer(found, last, end, granularity, stale)


def _finer(
    found: Sources, start: datetime, end: datetime, granularity: Granularity, stale: Collection[tuple[str, datetime]]
) -> None:
    if start >= end:
        return
    if granularity in FINER:
        _split(found, start, end, FINER[granularity], stale)
    elif found.raw and found.raw[-1][1] == start:
        found.raw[-1] = (found.raw[-1][0], end)
    else:
        found.raw.append((start, end))


def _with_coarser(stale: Collection[tuple[Granularity, datetime]]) -> set[tuple[Granularity, datetime]]:
    everything = set(stale)
    for granularity, start in stale:
        coarser, at = granularity, start
        while coarser in COARSER:
            coarser = COARSER[coarser]
            at = coarser.floor(at)
            everything.add((coarser, at))
    return everything
