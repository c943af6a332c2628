"""Retention: who comes back after they came first, by calendar periods of a time zone."""

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Final
from zoneinfo import ZoneInfo

from analytics.behaviour.models import Cohort, Retention, RetentionQuery, Returning, Seen
from analytics.behaviour.periods import first_day, milliseconds, moment_at, number_of
from analytics.deadlines import unhurried

_CHECKED_EVERY: Final = 1_000  # people


class ReturnCount:
    """Takes events in any order, also more than once, and says who came back when."""

    def __init__(self, query: RetentionQuery) -> None:
        self._query = query
        self._zone = ZoneInfo(query.zone)
        self._first: dict[str, int] = {}
        self._returned: defaultdict[str, set[int]] = defaultdict(set)

    def add(self, seen: Seen) -> None:
        """Take an event in; nobody's is none."""
        if seen.actor is None:
            return
        if self._query.first.matches(seen):
            self._first[seen.actor] = min(seen.at, self._first.get(seen.actor, seen.at))
        if self._query.returning.matches(seen):
            self._returned[seen.actor].add(seen.at)

    def result(self, check: Callable[[], None] = unhurried) -> Retention:
        """Who came back. `check` is called now and then, and may raise what ends this."""
        last = self._period(milliseconds(self._query.range.end) - 1)
        members: defaultdict[int, list[frozenset[int]]] = defaultdict(list)
        for number, (actor, first) in enumerate(self._first.items()):
            if number % _CHECKED_EVERY == 0:
                check()
            came = self._period(first)
            after = frozenset(self._period(at) - came for at in self._returned.get(actor, ()) if at > first)
            members[came].append(after)
        cohorts = [self._cohort(came, members[came], last) for came in sorted(members)]
        return Retention(total=self._total(cohorts), cohorts=tuple(cohorts))

    def _cohort(self, came: int, members: Collection[frozenset[int]], last: int) -> Cohort:
        numbers = range(self._query.periods + 1)
        return Cohort(
            start=first_day(came, self._query.period),
            users=len(members),
            eligible=tuple(len(members) if came + number <= last else 0 for number in numbers),
            returned=tuple(sum(self._came_back(after, number) for after in members) for number in numbers),
        )

    def _came_back(self, after: frozenset[int], number: int) -> bool:
        if self._query.mode is Returning.UNBOUNDED:
            return max(after, default=-1) >= number
        return number in after

    def _total(self, cohorts: Collection[Cohort]) -> Cohort:
        numbers = range(self._query.periods + 1)
        return Cohort(
            start=None,
            users=sum(cohort.users for cohort in cohorts),
            eligible=tuple(sum(cohort.eligible[number] for cohort in cohorts) for number in numbers),
            returned=tuple(sum(cohort.returned[number] for cohort in cohorts) for number in numbers),
        )

    def _period(self, at: int) -> int:
        return number_of(moment_at(at, self._zone).date(), self._query.period)
