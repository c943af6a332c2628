"""Funnels: how far people get, in the order of the steps.

Somebody's attempt begins with any of their first steps. Each further step is the earliest one that is later than the
one before, by a millisecond at least, and within the window from the first. What counts is the attempt that got
furthest, and of several the earliest.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Final

from analytics.behaviour.models import MOST_GROUPS, Funnel, FunnelGroup, FunnelQuery, FunnelStep, Seen
from analytics.tracking.properties import Scalar, value_of

_MILLISECONDS: Final = 1000
_NO_VALUE: Final = "null"

type Attempt = Sequence[int]
"""When each step was taken that was."""


class FunnelCount:
    """Takes events in any order, also more than once, and says how far everybody got."""

    def __init__(self, query: FunnelQuery) -> None:
        self._query = query
        self._window = int(query.window.total_seconds() * _MILLISECONDS)
        self._taken: defaultdict[str, list[set[int]]] = defaultdict(lambda: [set() for _ in query.steps])
        self._values: dict[tuple[str, int], str] = {}

    def add(self, seen: Seen) -> None:
        """Take an event in; nobody's is none."""
        if seen.actor is None:
            return
        for step, matching in enumerate(self._query.steps):
            if matching.matches(seen):
                self._taken[seen.actor][step].add(seen.at)
                if step == 0 and self._query.breakdown is not None:
                    self._remember(seen.actor, seen, self._query.breakdown)

    def result(self) -> Funnel:
        """How far everybody got."""
        attempts = {actor: self._attempt(taken) for actor, taken in self._taken.items()}
        begun = {actor: attempt for actor, attempt in attempts.items() if attempt}
        if self._query.breakdown is None:
            return Funnel(steps=self._steps(begun.values()))
        return Funnel(steps=self._steps(begun.values()), groups=self._groups(begun))

    def _remember(self, actor: str, seen: Seen, key: str) -> None:
        """Of two first steps in the same millisecond the value counts that sorts first."""
        found = min((each for each in seen.pairs if value_of(each)[0] == key), default=_NO_VALUE)
        place = actor, seen.at
        self._values[place] = min(found, self._values.get(place, found))

    def _attempt(self, taken: Sequence[set[int]]) -> Attempt:
        first, *later = [sorted(times) for times in taken]
        best: list[int] = []
        for start in first:
            attempt = [start]
            for times in later:
                place = bisect_right(times, attempt[-1])
                if place == len(times) or times[place] > start + self._window:
                    break
                attempt.append(times[place])
            if len(attempt) > len(best):
                best = attempt
            if len(best) == len(taken):
                break
        return best

    def _steps(self, attempts: Iterable[Attempt]) -> tuple[FunnelStep, ...]:
        every = list(attempts)
        steps = []
        for number, matching in enumerate(self._query.steps):
            got = [attempt for attempt in every if len(attempt) > number]
            waited = [attempt[number] - attempt[number - 1] for attempt in got] if number else []
            took = median(waited) / _MILLISECONDS if waited else None
            steps.append(FunnelStep(name=matching.name, users=len(got), median_seconds=took))
        return tuple(steps)

    def _groups(self, attempts: Mapping[str, Attempt]) -> tuple[FunnelGroup, ...]:
        by_value: defaultdict[str, list[Attempt]] = defaultdict(list)
        for actor, attempt in attempts.items():
            by_value[self._values[actor, attempt[0]]].append(attempt)
        sizes = Counter({value: len(members) for value, members in by_value.items()})
        ranked = sorted(by_value, key=lambda value: (-sizes[value], value))
        groups = [
            FunnelGroup(value=_shown(value), steps=self._steps(by_value[value])) for value in ranked[:MOST_GROUPS]
        ]
        if rest := [attempt for value in ranked[MOST_GROUPS:] for attempt in by_value[value]]:
            groups.append(FunnelGroup(value=None, other=True, steps=self._steps(rest)))
        return tuple(groups)


def _shown(value: str) -> Scalar:
    return None if value == _NO_VALUE else value_of(value)[1]
