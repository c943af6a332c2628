"""Folding: calls into rollups of minutes, minutes into hours, hours into days."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from analytics.rollups.models import FINEST_SETS, OTHERS, ROLLED, Granularity, GroupingSet, Key
from analytics.rollups.tallies import Cell, Tally, pico, user_hash

type Groups = dict[Key, Tally]
"""Tallies by the values of a grouping set's dimensions."""

type Rollup = Mapping[GroupingSet, Groups]
"""A unit's calls, by every grouping set that its granularity has."""

MOST_GROUPS: Final[Mapping[Granularity, int]] = {
    Granularity.MINUTE: 1_000,
    Granularity.HOUR: 2_000,
    Granularity.DAY: 5_000,
}
FIELDS: Final = (
    *("project_id", "key_id", "model", "provider", "endpoint", "status", "cache", "connection", "route", "variant"),
    *("prompt", "batch"),
)
"""Where the dimensions of ROLLED stand in a call, in their order."""

_SINGLE: Final = tuple((each, ROLLED.index(each.dimensions[0])) for each in GroupingSet if each not in FINEST_SETS)


class Folded:
    """What calls add up to, by every dimension together, by end user, and in all."""

    def __init__(self) -> None:
        self._all: defaultdict[Key, Tally] = defaultdict(Tally)
        self._end_users: defaultdict[Key, Tally] = defaultdict(Tally)
        self._users: set[int] = set()

    def add(self, call: Mapping[str, Any]) -> None:
        """Count a call; see `analytics.rollups.ports.Calls`."""
        end_user = call.get("end_user")
        cost, saved = pico(call["cost_usd"]), pico(call["saved_usd"])
        for tally in (self._all[key_of(call)], self._end_users[end_user,]):
            tally.add_call(call)
            tally.add_dollars(cost, saved)
        if end_user is not None:
            self._users.add(user_hash(end_user))

    def rollup(self) -> Rollup:
        """Everything that was counted."""
        total = Tally()
        for tally in self._all.values():
            total.merge(tally)
        total.users = self._users
        return {GroupingSet.TOTAL: {(): total}, GroupingSet.ALL: self._all, GroupingSet.END_USER: self._end_users}


def key_of(call: Mapping[str, Any]) -> Key:
    """A call's values of the dimensions of ROLLED, as text."""
    return tuple([None if (value := call.get(field)) is None else str(value) for field in FIELDS])


def merged(parts: Iterable[tuple[GroupingSet, Key, Cell]]) -> Rollup:
    """The rollup that finer ones make up, with a grouping set for each dimension.

    Args:
        parts: The groups of all of them. Of sets for one dimension none are needed: they are made here.
    """
    sets: dict[GroupingSet, Groups] = {each: {} for each in GroupingSet}
    for grouping, key, cell in parts:
        if grouping in FINEST_SETS:
            _tally(sets[grouping], key).merge_cell(cell)
    for key, tally in sets[GroupingSet.ALL].items():
        for grouping, index in _SINGLE:
            _tally(sets[grouping], (key[index],)).merge(tally)
    sets[GroupingSet.TOTAL].setdefault((), Tally())
    return sets


def largest(groups: Groups, most: int) -> Groups:
    """The groups with the most calls, and OTHERS for the rest: `most` in all."""
    if len(groups) <= most:
        return groups
    kept = sorted(groups.items(), key=lambda group: (-group[1].requests, [str(value) for value in group[0]]))
    rest = Tally()
    for _, tally in kept[most - 1 :]:
        rest.merge(tally)
    largest_ones = dict(kept[: most - 1])
    others = (OTHERS,) * len(kept[0][0])
    if others in largest_ones:
        rest.merge(largest_ones[others])
    return {**largest_ones, others: rest}


def _tally(groups: Groups, key: Key) -> Tally:
    tally = groups.get(key)
    if tally is None:
        tally = groups[key] = Tally()
    return tally
