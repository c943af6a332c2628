"""Folding: calls into rollups of minutes, minutes into hours, hours into days."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from analytics.rollups.adding import Sums
from analytics.rollups.columns import Columns
from analytics.rollups.models import (
    FINEST_SETS,
    HOURLY,
    OTHERS,
    ROLLED,
    SINGLE_SETS,
    Granularity,
    GroupingSet,
    Key,
    hour_of,
)
from analytics.rollups.tallies import Tally, pico, user_hash
from analytics.usage.models import Dimension

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

_SINGLES: Final = tuple((each, ROLLED.index(each.dimensions[0])) for each in SINGLE_SETS)
_COARSE: Final = {ROLLED.index(each) for each in (Dimension.MODEL, Dimension.PROVIDER, Dimension.STATUS)}
"""What small groups are still told apart by: who watches these sees no number fall when a rollup is made."""


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


def merged(parts: Mapping[GroupingSet, Sequence[Columns]]) -> Rollup:
    """The rollup that finer ones make up, with a grouping set for each dimension.

    Args:
        parts: The groups of all of them, by grouping set. Sets for one dimension, which minutes have none of, are made
            of those of every dimension where they are missing.
    """
    made: dict[GroupingSet, Groups] = {each: {} for each in FINEST_SETS}
    made |= {grouping: groups_of(grouping, some) for grouping, some in parts.items()}
    made[GroupingSet.TOTAL].setdefault((), Tally())
    same: Groups = {}
    for grouping, index in _SINGLES:
        if grouping not in made:
            made[grouping] = _single(made[GroupingSet.ALL], index, same)
    return made


def by_hour(parts: Mapping[GroupingSet, Sequence[tuple[datetime, Columns]]]) -> Rollup:
    """The hours of a day as the day keeps them: as they are, none of their groups folded together.

    Args:
        parts: The start of each hour, and its groups, by grouping set.
    """
    return {hourly: _told_apart(grouping, parts.get(grouping, ())) for grouping, hourly in HOURLY.items()}


def _told_apart(grouping: GroupingSet, hours: Sequence[tuple[datetime, Columns]]) -> Groups:
    sums = Sums(range(len(grouping.dimensions)))
    for start, columns in hours:
        sums.add(start.hour, columns)
    return {(hour_of(hour), *key): tally for (hour, key), tally in sums.tallies().items()}


def largest(groups: Groups, most: int) -> Groups:
    """The groups with the most calls; the rest is told apart by little, or is one group, OTHERS: `most` in all."""
    if len(groups) <= most:
        return groups
    ordered = sorted(groups, key=lambda key: (-groups[key].requests, [str(value) for value in key]))
    coarse = {_coarser(key) for key in groups}
    few = len(coarse) <= most // 2
    folded: Groups = {}
    for place, key in enumerate(ordered):
        kept = place < most - (len(coarse) if few else 1)
        folding = key if kept else _coarser(key) if few else (OTHERS,) * len(key)
        folded.setdefault(folding, Tally()).merge(groups[key])
    return folded


def _coarser(key: Key) -> Key:
    return tuple([value if len(key) > 1 and index in _COARSE else OTHERS for index, value in enumerate(key)])


def groups_of(grouping: GroupingSet, parts: Sequence[Columns]) -> Groups:
    """The groups of several rollups' grouping sets together."""
    sums = Sums(range(len(grouping.dimensions)))
    for columns in parts:
        sums.add(0, columns)
    return {key: tally for (_, key), tally in sums.tallies().items()}


def _single(groups: Groups, index: int, same: Groups) -> Groups:
    """The same groups by one of their dimensions.

    `same` keeps all groups together from one dimension that has a single value to the next: most have.
    """
    values = {key[index] for key in groups}
    if len(values) == 1 and same:
        return {(values.pop(),): same[()]}
    single: Groups = {}
    for key, tally in groups.items():
        value = (key[index],)
        if value not in single:
            single[value] = Tally()
        single[value].merge(tally)
    if len(single) == 1:
        same[()] = next(iter(single.values()))
    return single
