"""The same answers, computed from the same events as plainly as they can be."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise, product
from statistics import median
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from analytics.behaviour.models import (
    FunnelQuery,
    Interval,
    Matching,
    Period,
    Range,
    RetentionQuery,
    Returning,
    Seen,
)
from analytics.behaviour.periods import moment_at
from analytics.tracking.properties import pair

ORG = UUID(int=1)
NAMES = ("a", "b", "c")
PLANS = ("free", "pro", None)
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia")


def events(start: datetime, length: timedelta, *, most: int = 30) -> st.SearchStrategy[list[Seen]]:
    """Events of three people and of nobody, often at the same time."""
    begin = int(start.timestamp() * 1000)
    span = int(length.total_seconds() * 1000)
    at = st.integers(0, 40).map(lambda part: begin + part * span // 41) | st.integers(begin, begin + span - 1)
    plan = st.sampled_from(PLANS).map(lambda value: (pair("plan", value),) if value else ())
    made = st.builds(Seen, st.sampled_from(NAMES), st.sampled_from(["u:1", "u:2", "a:1", None]), at, plan)
    return st.lists(made, max_size=most)


def matchings() -> st.SearchStrategy[Matching]:
    pairs = st.sampled_from([frozenset(), frozenset({pair("plan", "pro")})])
    return st.builds(Matching, name=st.sampled_from(NAMES), pairs=pairs)


def chains(query: FunnelQuery, own: Sequence[Seen]) -> Iterator[tuple[Seen, ...]]:
    """Everything that one person did that could be taken for the first steps, in their order."""
    for length in range(1, len(query.steps) + 1):
        for chain in product(own, repeat=length):
            fits = all(step.matches(seen) for step, seen in zip(query.steps[:length], chain, strict=True))
            in_order = all(one.at < next_one.at for one, next_one in pairwise(chain))
            in_time = chain[-1].at - chain[0].at <= query.window.total_seconds() * 1000
            if fits and in_order and in_time:
                yield chain


def funnel(query: FunnelQuery, given: Sequence[Seen]) -> tuple[list[tuple[int, float | None]], dict[object, list[int]]]:
    """People and medians by step; and by plan, people by step."""
    best = {}
    for actor in {seen.actor for seen in given} - {None}:
        found = list(chains(query, [seen for seen in given if seen.actor == actor]))
        if found:
            furthest = max(map(len, found))
            best[actor] = min((c for c in found if len(c) == furthest), key=lambda c: [seen.at for seen in c])
    steps = []
    for number in range(len(query.steps)):
        got = [chain for chain in best.values() if len(chain) > number]
        took = [chain[number].at - chain[number - 1].at for chain in got] if number else []
        steps.append((len(got), median(took) / 1000 if took else None))
    groups: dict[object, list[int]] = {}
    for actor, chain in best.items():
        same = [s for s in given if s.actor == actor and s.at == chain[0].at and query.steps[0].matches(s)]
        plan = min([each for s in same for each in s.pairs] + ["null"] * any(not s.pairs for s in same))
        people = groups.setdefault(None if plan == "null" else plan, [0] * len(query.steps))
        for number in range(len(chain)):
            people[number] += 1
    return steps, groups


def period_start(day: date, period: Period) -> date:
    if period is Period.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period is Period.MONTH else day


def after(start: date, period: Period, number: int) -> date:
    """The start of the nth period after one."""
    for _ in range(number):
        start = period_start(start + timedelta(days={"day": 1, "week": 7, "month": 31}[period]), period)
    return start


def retention(query: RetentionQuery, given: Sequence[Seen]) -> dict[date, tuple[int, list[int], list[int]]]:
    """By the start of the first period: how many people, how many could be seen, how many came back."""
    zone = ZoneInfo(query.zone)

    def started(at: int) -> date:
        return period_start(moment_at(at, zone).date(), query.period)

    last = period_start((query.range.end - timedelta(milliseconds=1)).astimezone(zone).date(), query.period)
    found: dict[date, tuple[int, list[int], list[int]]] = {}
    for actor in {seen.actor for seen in given} - {None}:
        own = [seen for seen in given if seen.actor == actor]
        firsts = [seen.at for seen in own if query.first.matches(seen)]
        if not firsts:
            continue
        came = started(min(firsts))
        back = {started(seen.at) for seen in own if query.returning.matches(seen) and seen.at > min(firsts)}
        users, eligible, returned = found.get(came, (0, [0] * (query.periods + 1), [0] * (query.periods + 1)))
        for number in range(query.periods + 1):
            then = after(came, query.period, number)
            eligible[number] += then <= last
            came_back = any(each >= then for each in back) if query.mode is Returning.UNBOUNDED else then in back
            returned[number] += came_back
        found[came] = (users + 1, eligible, returned)
    return found


def counts(
    given: Sequence[Seen], interval: Interval, zone_name: str
) -> dict[tuple[str, tuple[int, ...]], tuple[int, int]]:
    """Events and people by name and local wall clock, whose repeated hour is told apart by its offset."""
    zone = ZoneInfo(zone_name)
    found: dict[tuple[str, tuple[int, ...]], list[Seen]] = {}
    for seen in given:
        local = moment_at(seen.at, zone)
        if interval is Interval.HOUR:
            offset = local.utcoffset() or timedelta()
            wall: tuple[int, ...] = (local.year, local.month, local.day, local.hour, int(offset.total_seconds()))
        else:
            day = period_start(local.date(), Period(interval.value))
            wall = (day.year, day.month, day.day)
        found.setdefault((seen.name, wall), []).append(seen)
    return {place: (len(those), len({seen.actor for seen in those} - {None})) for place, those in sorted(found.items())}


def range_of(start: datetime, length: timedelta) -> Range:
    return Range(start=start, end=start + length)
