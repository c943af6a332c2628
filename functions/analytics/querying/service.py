"""Answering questions about an organization's calls."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from heapq import nsmallest
from typing import Final

from analytics.deadlines import Deadline
from analytics.models import EmptyRange, RangeTooLong, TooManyGroups
from analytics.querying.metrics import counts, is_percentile, size, sketches, values
from analytics.querying.models import Answer, Metric, Question, Row
from analytics.querying.steps import LONGEST_RANGE, Step, previous_period, steps, zone
from analytics.rollups.models import Key
from analytics.rollups.reading import Look, Reading
from analytics.rollups.tallies import Tally

MOST_ROWS: Final = 50_000


class Answers:
    """Answers questions from rollups, and from calls where these are not made yet.

    Args:
        deadlines: Begins the time that one answer may take, however many reads it needs.
    """

    def __init__(self, *, reading: Reading, deadlines: Callable[[], Deadline] = Deadline) -> None:
        self._reading = reading
        self._deadlines = deadlines

    async def ask(self, question: Question, *, deadline: Deadline | None = None) -> Answer:
        """What was asked for, until the deadline, or one of its own.

        Raises EmptyRange, RangeTooLong, IntervalTooShort, UnknownTimeZone, TooManyGroups, TooManyCalls,
        StoreUnavailable and TooSlow.
        """
        series = _series(question)
        needed = question.metrics if question.order is None else (*question.metrics, question.order.metric)
        look = Look(
            org_id=question.org_id,
            steps=[(step.start, step.end) for step in series],
            dimensions=question.dimensions,
            filters={each.dimension: each.values for each in question.filters},
            counts=counts(needed),
            sketches=sketches(needed),
            users=Metric.UNIQUE_USERS in needed,
        )
        deadline = deadline or self._deadlines()
        seen = await self._reading.see(look, deadline=deadline)
        by_group: defaultdict[Key, dict[int, Tally]] = defaultdict(dict)
        for (index, group), tally in seen.tallies.items():
            by_group[group][index] = tally
        whole = {group: Tally.sum(parts.values()) for group, parts in by_group.items()}
        shown = _first(question, whole)
        beyond = whole.keys() - shown
        if sum(len(by_group[group]) for group in shown) > MOST_ROWS:
            raise TooManyGroups
        others = Tally.sum([whole[group] for group in beyond])
        total = Tally.sum([*[whole[group] for group in shown], others])
        return Answer(
            question=question,
            rows=tuple(row for group in shown for row in _rows(question, group, by_group[group], series)),
            totals=values(total, question.metrics),
            others=values(others, question.metrics) if beyond else None,
            approximate=_approximate(question.metrics, total),
            gaps=seen.gaps,
        )

    async def compare(self, question: Question) -> tuple[Answer, Answer]:
        """What was asked for, and the same of the period before; see `previous_period`."""
        deadline = self._deadlines()
        answer = await self.ask(question, deadline=deadline)
        start, end = previous_period(question.start, question.end, zone(question.time_zone))
        before = question.model_copy(update={"start": start, "end": end})
        return answer, await self.ask(before, deadline=deadline)


def _series(question: Question) -> Sequence[Step]:
    if question.start >= question.end:
        raise EmptyRange
    time_zone = zone(question.time_zone)
    if question.interval is not None:
        return steps(question.start, question.end, question.interval, time_zone)
    if question.end - question.start > LONGEST_RANGE:
        raise RangeTooLong
    return [Step(question.start, question.start, question.end)]


def _first(question: Question, whole: Mapping[Key, Tally]) -> list[Key]:
    """The groups within the limit, in their order. No more of them are sorted than are shown."""
    if question.order is None:
        return nsmallest(question.limit, whole, key=_name)
    metric, sign = question.order.metric, -1 if question.order.descending else 1

    def rank(group: Key) -> tuple[bool, int | float | Decimal, object]:
        found = size(whole[group], metric)
        return found is None, sign * (found or 0), _name(group)  # groups without a value come last

    return nsmallest(question.limit, whole, key=rank)


def _name(group: Key) -> list[tuple[bool, str]]:
    return [(value is not None, value or "") for value in group]


def _rows(question: Question, group: Key, parts: Mapping[int, Tally], series: Sequence[Step]) -> list[Row]:
    def time(index: int) -> datetime | None:
        return series[index].label if question.interval is not None else None

    return [
        Row(time=time(index), group=group, values=values(parts[index], question.metrics)) for index in sorted(parts)
    ]


def _approximate(metrics: Sequence[Metric], total: Tally) -> dict[Metric, str]:
    said = {metric: "within 1 %" for metric in metrics if is_percentile(metric)}
    if Metric.UNIQUE_USERS in metrics and not total.unique_users()[1]:
        said[Metric.UNIQUE_USERS] = "within 5 %, nineteen times of twenty"
    return said
