"""Adding: columns of rollups into tallies, group by group, and only what is asked for."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from analytics.rollups.columns import COUNTED, Columns
from analytics.rollups.models import OTHERS, Key, Value
from analytics.rollups.tallies import COUNTS, SKETCHES, Histogram, Tally, add_buckets

type Place = tuple[int, Key]
"""The index of a step, and the values of the dimensions."""

type Wanted = Mapping[int, Collection[Value]]
"""The values that groups may have, by the index of the dimension."""

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
        self._wanted = [(index, frozenset(values)) for index, values in wanted.items()]
        self._sketches = sketches
        self._users = users
        self._slots: dict[Place, int] = {}
        self._numbers: dict[str, list[int]] = {name: [] for name in COUNTED if name == COUNTS[0] or name in counts}
        self._histograms: dict[str, dict[int, Histogram]] = {name: {} for name in sketches}
        self._hashes: dict[int, set[int]] = {}
        self.folded = False

    def __len__(self) -> int:
        return len(self._slots)

    def add(self, step: int, columns: Columns) -> None:
        """Count the groups of a step, or of a part of it."""
        rows = self._rows(columns)
        slots = self._places(step, columns, rows)
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
        return {place: self._tally(slot) for place, slot in self._slots.items()}

    def _tally(self, slot: int) -> Tally:
        tally, numbers = Tally(), self._numbers
        tally.counts = [numbers[name][slot] if name in numbers else 0 for name in COUNTS]
        tally.cost = numbers["cost"][slot] if "cost" in numbers else 0
        tally.saved = numbers["saved"][slot] if "saved" in numbers else 0
        for name, histograms in self._histograms.items():
            if slot in histograms:
                setattr(tally, name, histograms[slot])
        if slot in self._hashes:
            tally.users = self._hashes[slot]
        return tally

    def _rows(self, columns: Columns) -> Sequence[int] | None:
        """The groups that are wanted, by their index; None for all."""
        rows: Sequence[int] | None = None
        for index, wanted in self._wanted:
            values = columns.values(index)
            self.folded = self.folded or (OTHERS in values and OTHERS not in wanted)
            rows = [row for row in (range(columns.rows) if rows is None else rows) if values[row] in wanted]
        return rows

    def _places(self, step: int, columns: Columns, rows: Sequence[int] | None) -> list[int]:
        count = columns.rows if rows is None else len(rows)
        parts = [_picked(columns.values(index), rows) for index in self._indexes]
        groups: Sequence[Key] = list(zip(*parts, strict=True)) if parts else [()] * count
        slots = self._slots
        found = [slots.setdefault((step, group), len(slots)) for group in groups]
        for totals in self._numbers.values():
            totals.extend([0] * (len(slots) - len(totals)))
        return found


def _picked[Item](column: Sequence[Item], rows: Sequence[int] | None) -> Sequence[Item]:
    return column if rows is None else [column[row] for row in rows]
