"""Adding: columns of rollups into tallies, group by group, and only what is asked for."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final, cast

from analytics.rollups.columns import COUNTED, Columns
from analytics.rollups.models import OTHERS, Key, Value
from analytics.rollups.tallies import COUNTS, SKETCHES, Histogram, Tally, add_buckets

type Place = tuple[int, Key]
"""The index of a step, and the values of the dimensions."""

type Wanted = Mapping[int, Collection[Value]]
"""The values that groups may have, by the index of the dimension."""

type Group = Value | Key
"""The values of the dimensions that are told apart; of a single one its value itself, which is quicker."""

EVERYTHING: Final[Wanted] = {}


class Sums:
    """Adds columns up.

    Args:
        indexes: Where the dimensions that are told apart stand in the keys of the columns.
        wanted: Which groups are counted.
        counts: Which columns of COUNTED are added; `requests` always is.
        sketches: Which histograms are.
        users: Whether unique users are counted.

    Attributes:
        folded: Whether groups were left out of which nobody knows whether they are wanted: their values are OTHERS.
    """

    def __init__(
        self,
        indexes: Sequence[int],
        *,
        wanted: Wanted = EVERYTHING,
        counts: Collection[str] = COUNTED,
        sketches: Sequence[str] = SKETCHES,
        users: bool = True,
    ) -> None:
        self._indexes = indexes
        self._wanted: list[tuple[int, Collection[Value]]] = [(index, frozenset(each)) for index, each in wanted.items()]
        self._sketches = sketches
        self._users = users
        self._slots: dict[int, dict[Group, int]] = {}
        self._places_taken = 0
        self._numbers: dict[str, list[int]] = {name: [] for name in COUNTED if name == COUNTS[0] or name in counts}
        self._histograms: dict[str, dict[int, Histogram]] = {name: {} for name in sketches}
        self._hashes: dict[int, set[int]] = {}
        self.folded = False

    def __len__(self) -> int:
        return self._places_taken

    def add(self, step: int, columns: Columns) -> None:
        """Count the groups of a step, or of a part of it."""
        rows = self._rows(columns, self._wanted)
        self._count(columns, rows, self._places(step, self._groups(columns, rows)))

    def add_hours(self, step_of: Mapping[Value, int], columns: Columns) -> None:
        """Count the groups of a day's hours: their first dimension says which, and in which step that hour is."""
        rows = self._rows(columns, [(0, step_of.keys()), *self._wanted]) or ()
        hours = columns.values(0)
        steps = [step_of[hours[row]] for row in rows]
        groups = self._groups(columns, rows)
        for step in dict.fromkeys(steps):
            self._places(step, [group for group, of in zip(groups, steps, strict=True) if of == step])
        slots = [self._slots[step][group] for step, group in zip(steps, groups, strict=True)]
        self._count(columns, rows, slots)

    def _count(self, columns: Columns, rows: Sequence[int] | None, slots: Sequence[int]) -> None:
        for name, totals in self._numbers.items():
            numbers = columns.numbers(name)
            if len(numbers):
                for slot, number in zip(slots, _picked(numbers, rows), strict=True):
                    totals[slot] += number
        slot_of = slots if rows is None else dict(zip(rows, slots, strict=True))
        for name in self._sketches:
            histograms = self._histograms[name]
            for row, buckets in columns.histograms(name):
                if rows is None or row in slot_of:
                    add_buckets(histograms.setdefault(slot_of[row], {}), buckets)
        for row, hashes in columns.users() if self._users else ():
            if rows is None or row in slot_of:
                self._hashes.setdefault(slot_of[row], set()).update(hashes)

    def tallies(self) -> dict[Place, Tally]:
        """What there is, by place."""
        one = len(self._indexes) == 1
        tallies = self._tallies()
        return {
            (step, cast("Key", (group,) if one else group)): tallies[slot]
            for step, slots in self._slots.items()
            for group, slot in slots.items()
        }

    def _tallies(self) -> Sequence[Tally]:
        nothing = [0] * self._places_taken
        columns = [self._numbers.get(name, nothing) for name in COUNTED]
        tallies = []
        for *counts, cost, saved in zip(*columns, strict=True):
            tally = Tally()
            tally.counts, tally.cost, tally.saved = counts, cost, saved
            tallies.append(tally)
        for name, histograms in self._histograms.items():
            for slot, histogram in histograms.items():
                setattr(tallies[slot], name, histogram)
        for slot, hashes in self._hashes.items():
            tallies[slot].users = hashes
        return tallies

    def _rows(self, columns: Columns, wanted_values: Sequence[tuple[int, Collection[Value]]]) -> Sequence[int] | None:
        """The groups that are wanted, by their index; None for all."""
        rows: Sequence[int] | None = None
        for index, wanted in wanted_values:
            values = columns.values(index)
            self.folded = self.folded or (OTHERS in values and OTHERS not in wanted)
            rows = [row for row in (range(columns.rows) if rows is None else rows) if values[row] in wanted]
        return rows

    def _places(self, step: int, groups: Sequence[Group]) -> Sequence[int]:
        """Where each group's numbers are added to. Most groups are those of the units before."""
        slots = self._slots.setdefault(step, {})
        with suppress(KeyError):
            return list(map(slots.__getitem__, groups))
        for group in groups:
            if group not in slots:
                slots[group] = self._places_taken
                self._places_taken += 1
        for totals in self._numbers.values():
            totals.extend([0] * (self._places_taken - len(totals)))
        return [slots[group] for group in groups]

    def _groups(self, columns: Columns, rows: Sequence[int] | None) -> Sequence[Group]:
        parts = [_picked(columns.values(index), rows) for index in self._indexes]
        if len(parts) == 1:
            return parts[0]
        if parts:
            return list(zip(*parts, strict=True))
        return [()] * (columns.rows if rows is None else len(rows))


def _picked[Item](column: Sequence[Item], rows: Sequence[int] | None) -> Sequence[Item]:
    return column if rows is None else [column[row] for row in rows]
