"""Groups of usage, from rollups."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from analytics.models import TooManyGroups
from analytics.rollups.models import Granularity, Key
from analytics.rollups.planning import Range
from analytics.rollups.reading import Look, Reading
from analytics.rollups.tallies import COUNTS, Tally, dollars
from analytics.usage.models import Dimension, Group, Sums, UsageGroup, UsageGroups, UsageQuery
from analytics.usage.service import GroupedUsage

MOST_GROUPS: Final = 100_000
_TIMES: Final = {Dimension.HOUR: Granularity.HOUR, Dimension.DAY: Granularity.DAY}
_IDS: Final = {Dimension.PROJECT, Dimension.KEY}


class RolledUsage:
    """Groups of usage from rollups; from every single call for what is not rolled up, such as tags.

    Args:
        calls: Groups of single calls.
    """

    def __init__(self, *, reading: Reading, calls: GroupedUsage) -> None:
        self._reading = reading
        self._calls = calls

    async def groups(self, query: UsageQuery) -> UsageGroups:
        """The query's calls by group.

        Raises StoreUnavailable, TooSlow, TooManyGroups.
        """
        steps = _steps(query)
        look = Look(
            org_id=query.org_id,
            steps=steps,
            dimensions=tuple(dimension for dimension in query.dimensions if dimension not in _TIMES),
            filters=_filters(query),
            sketches=("latency", "ttft"),
        )
        if query.tag is not None or look.rolled is None:
            return await self._calls.groups(query)
        seen = await self._reading.see(look)
        tallies = seen.tallies
        if len(tallies) > MOST_GROUPS:
            raise TooManyGroups
        grouping = _grouping(query, steps)
        found = [_usage(grouping(index, key), tally) for (index, key), tally in tallies.items()]
        ordered = sorted(found, key=lambda each: [str(value) for value in each.group])
        return UsageGroups(groups=tuple(ordered), gaps=seen.gaps)


def _steps(query: UsageQuery) -> list[Range]:
    granularities = [granularity for dimension, granularity in _TIMES.items() if dimension in query.dimensions]
    if not granularities:
        return [(query.start, query.end)]
    steps, start = [], query.start
    while start < query.end:
        end = min(granularities[0].floor(start) + granularities[0].length, query.end)
        steps.append((start, end))
        start = end
    return steps


def _filters(query: UsageQuery) -> Mapping[Dimension, tuple[str]]:
    wanted = {
        Dimension.MODEL: query.model,
        Dimension.PROJECT: query.project_id,
        Dimension.KEY: query.key_id,
        Dimension.ROUTE: query.route,
        Dimension.END_USER: query.end_user,
    }
    return {dimension: (str(value),) for dimension, value in wanted.items() if value is not None}


def _grouping(query: UsageQuery, steps: Sequence[Range]) -> Callable[[int, Key], Group]:
    def group(index: int, key: Key) -> Group:
        values = iter(key)
        found: list[Any] = []
        for dimension in query.dimensions:
            if dimension in _TIMES:
                start: datetime = steps[index][0]
                found.append(_TIMES[dimension].floor(start))
            else:
                value = next(values)
                found.append(_id(value) if dimension in _IDS else value)
        return tuple(found)

    return group


def _id(value: str | None) -> UUID | str | None:
    try:
        return UUID(value)
    except (ValueError, TypeError):  # of others, or of none
        return value


def _usage(group: Group, tally: Tally) -> UsageGroup:
    return UsageGroup(
        group=group,
        sums=Sums(
            **dict(zip(COUNTS, tally.counts, strict=True)), cost_usd=dollars(tally.cost), saved_usd=dollars(tally.saved)
        ),
        latency=tally.latency,
        ttft=tally.ttft,
    )
