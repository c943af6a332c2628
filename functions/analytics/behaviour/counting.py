"""How many events there were, and the exact number of people who did them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from analytics.behaviour.models import MOST_ROWS, Count, CountQuery, Seen
from analytics.behaviour.periods import start_of
from analytics.models import TooManyGroups

_QUARTER: Final = 15 * 60 * 1000
"""Of an hour, in milliseconds: offsets of time zones have been multiples of it since 1972."""

type Place = tuple[str, datetime]


class EventCount:
    """Takes each event once, and counts."""

    def __init__(self, query: CountQuery) -> None:
        zone = ZoneInfo(query.zone)
        self._start_of = lru_cache(maxsize=MOST_ROWS)(
            lambda quarter: start_of(quarter * _QUARTER, query.interval, zone)
        )
        self._events: Counter[Place] = Counter()
        self._actors: defaultdict[Place, set[str]] = defaultdict(set)

    def add(self, seen: Seen) -> None:
        """Count an event. Raises TooManyGroups."""
        place = seen.name, self._start_of(seen.at // _QUARTER)
        self._events[place] += 1
        if len(self._events) > MOST_ROWS:
            raise TooManyGroups
        if seen.actor is not None:
            self._actors[place].add(seen.actor)

    def result(self) -> Sequence[Count]:
        """By interval, and in it by name."""
        places = sorted(self._events, key=lambda place: (place[1], place[0]))
        return [
            Count(name=place[0], start=place[1], events=self._events[place], users=len(self._actors[place]))
            for place in places
        ]
