"""Funnels: how far people get, in the order of the steps.

Somebody's attempt begins with any of their first steps. Each further step is the earliest one that is later than the
one before, by a millisecond at least, and within the window from the first. What counts is the attempt that got
furthest, and of several the earliest.

A million events may be of a million people: what is taken in are numbers in arrays, and no object for each.
"""

from array import array
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from statistics import median
from typing import Final

import orjson

from analytics.behaviour.models import MOST_GROUPS, Funnel, FunnelGroup, FunnelQuery, FunnelStep, Seen
from analytics.deadlines import unhurried
from analytics.tracking.properties import Scalar, value_of

_MILLISECONDS: Final = 1000
_CHECKED_EVERY: Final = 1_000  # people
_NO_VALUE: Final = "null"

type Attempt = Sequence[int]
"""When each step was taken that was."""


class FunnelCount:
    """Takes events in any order, also more than once, and says how far everybody got."""

    def __init__(self, query: FunnelQuery) -> None:
        self._query = query
        self._window = int(query.window.total_seconds() * _MILLISECONDS)
        self._steps_of: defaultdict[str, list[tuple[int, frozenset[str]]]] = defaultdict(list)
        for step, matching in enumerate(query.steps):
            self._steps_of[matching.name].append((step, matching.pairs))
        # As `pair` writes the one property that is looked for, up to its value.
        self._breakdown = None if query.breakdown is None else f"{orjson.dumps([query.breakdown]).decode()[:-1]},"
        self._people: dict[str, int] = {}
        self._values: dict[str, int] = {}
        # Of each step that was taken: by whom, which, when, and with which value.
        self._who, self._step, self._at, self._value = array("q"), array("b"), array("q"), array("q")

    def add(self, seen: Seen) -> None:
        """Take an event in; nobody's is none."""
        if seen.actor is None:
            return
        for step, pairs in self._steps_of.get(seen.name, ()):
            if not pairs or pairs.issubset(seen.pairs):
                self._who.append(self._people.setdefault(seen.actor, len(self._people)))
                self._step.append(step)
                self._at.append(seen.at)
                self._value.append(self._value_in(seen) if step == 0 else 0)

    def result(self, check: Callable[[], None] = unhurried) -> Funnel:
        """How far everybody got. `check` is called now and then, and may raise what ends this."""
        attempts = _Attempts(len(self._query.steps))
        names = list(self._values)
        places = sorted(range(len(self._who)), key=self._who.__getitem__)
        for number, (_, own) in enumerate(groupby(places, key=self._who.__getitem__)):
            if number % _CHECKED_EVERY == 0:
                check()
            taken = list(own)
            attempt = self._attempt(taken)
            if attempt:
                begun = [each for each in taken if self._step[each] == 0 and self._at[each] == attempt[0]]
                # Of two first steps in the same millisecond the value counts that sorts first.
                attempts.add(attempt, min((self._value[each] for each in begun), key=names.__getitem__))
        return self._told(attempts, names)

    def _value_in(self, seen: Seen) -> int:
        begin = self._breakdown
        found = (each for each in seen.pairs if each.startswith(begin)) if begin is not None else ()
        return self._values.setdefault(min(found, default=_NO_VALUE), len(self._values))

    def _attempt(self, taken: Iterable[int]) -> Attempt:
        times: list[list[int]] = [[] for _ in self._query.steps]
        for place in taken:
            times[self._step[place]].append(self._at[place])
        first, *later = [sorted(each) for each in times]
        best: list[int] = []
        for start in first:
            attempt = [start]
            for step in later:
                place = bisect_right(step, attempt[-1])
                if place == len(step) or step[place] > start + self._window:
                    break
                attempt.append(step[place])
            if len(attempt) > len(best):
                best = attempt
            if len(best) == len(times):
                break
        return best

    def _told(self, attempts: "_Attempts", names: Sequence[str]) -> Funnel:
        grouped = self._query.breakdown is not None
        sizes = Counter(attempts.values) if grouped else Counter[int]()
        shown = sorted(sizes, key=lambda value: (-sizes[value], names[value]))[:MOST_GROUPS]
        everybody, others = _Tally(self._query), _Tally(self._query)
        tallies = {value: _Tally(self._query) for value in shown}
        for attempt, value in attempts.every():
            everybody.add(attempt)
            if grouped:
                tallies.get(value, others).add(attempt)
        groups = [FunnelGroup(value=_shown(names[value]), steps=tally.steps()) for value, tally in tallies.items()]
        if len(sizes) > len(shown):
            groups.append(FunnelGroup(value=None, other=True, steps=others.steps()))
        return Funnel(steps=everybody.steps(), groups=tuple(groups))


class _Tally:
    """How many got to each step, and how long they took."""

    def __init__(self, query: FunnelQuery) -> None:
        self._names = [matching.name for matching in query.steps]
        self._users = [0] * len(self._names)
        self._waited = [array("q") for _ in self._names]

    def add(self, attempt: Attempt) -> None:
        """Count somebody's attempt."""
        before = attempt[0]
        for number, at in enumerate(attempt):
            self._users[number] += 1
            if number:
                self._waited[number].append(at - before)
            before = at

    def steps(self) -> tuple[FunnelStep, ...]:
        """Step by step."""
        return tuple(
            FunnelStep(name=name, users=users, median_seconds=median(waited) / _MILLISECONDS if waited else None)
            for name, users, waited in zip(self._names, self._users, self._waited, strict=True)
        )


class _Attempts:
    """The attempt of each person, and the value that it began with."""

    def __init__(self, steps: int) -> None:
        self._stride = steps
        self._times = array("q")
        self._lengths = array("b")
        self.values = array("q")

    def add(self, attempt: Attempt, value: int) -> None:
        """Keep one."""
        self._times.extend(attempt)
        self._times.extend([0] * (self._stride - len(attempt)))
        self._lengths.append(len(attempt))
        self.values.append(value)

    def every(self) -> Iterator[tuple[Attempt, int]]:
        """All of them, with their values."""
        for number, length in enumerate(self._lengths):
            start = number * self._stride
            yield self._times[start : start + length], self.values[number]


def _shown(value: str) -> Scalar:
    return None if value == _NO_VALUE else value_of(value)[1]
