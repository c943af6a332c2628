"""Sheets: what of a rollup stands in which of its documents."""

from typing import Final

from analytics.rollups.columns import Kept, fields
from analytics.rollups.folding import MOST_GROUPS, Groups, Rollup, largest
from analytics.rollups.models import NUMBERS, OF_HOURS, SHEETS, Granularity, Sheet

LARGEST_DOCUMENT: Final = 12_000_000
"""Bytes of groups; MongoDB takes 16 MiB."""


def sheets_of(granularity: Granularity, rollup: Rollup, *, most_bytes: int) -> dict[Sheet, dict[str, Kept]]:
    """The grouping sets of each sheet, as they are kept, of those that the rollup has.

    Of groups only the largest are kept, as many as `most_bytes` have room for in a document. Hours of a day stand there
    as they are, or not at all where there is no room for them.
    """
    sheets: dict[Sheet, dict[str, Kept]] = {}
    for sheet, sets in SHEETS[granularity].items():
        if sheet in NUMBERS.values():
            continue
        room, most = most_bytes // len(sets), MOST_GROUPS[granularity]
        made = sheets[sheet] = {}
        for grouping in [each for each in sets if each in rollup]:
            groups = rollup[grouping]
            kept = fields(groups) if grouping in OF_HOURS else _fields(groups, most, room)
            if grouping not in OF_HOURS or _size(kept) <= room:
                made[grouping.value] = kept
    for whole, numbers in NUMBERS.items():
        if whole in sheets:
            sheets[numbers] = {name: {"counts": kept["counts"]} for name, kept in sheets[whole].items()}
    return sheets


def _fields(groups: Groups, most: int, most_bytes: int) -> Kept:
    """As many of the largest groups as there is room for, as they are kept."""
    made = fields(largest(groups, most))
    if _size(made) <= most_bytes or most == 1:
        return made
    return _fields(groups, max(1, min(most, len(groups)) // 2), most_bytes)


def _size(kept: Kept) -> int:
    return sum(map(len, kept.values()))
