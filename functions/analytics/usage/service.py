"""What one can ask about usage."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from analytics.models import EmptyRange, RangeTooLong
from analytics.percentiles import merged, percentiles
from analytics.usage.models import Sums, Usage, UsageGroup, UsageGroups, UsageQuery, UsageRecorded, UsageReport
from llmo_messaging.consumer import Delivery

LONGEST_RANGE = timedelta(days=366)
DEFAULT_RANGE = timedelta(days=30)


class UsageStore(Protocol):
    """Where every call is kept that the gateway reported."""

    async def add(self, deliveries: Sequence[Delivery[UsageRecorded]]) -> None:
        """Keep these calls. An event that is kept already changes nothing. Raises StoreUnavailable."""
        ...

    async def forget(self, org_id: UUID, calls: Collection[UUID]) -> None:
        """Have calls, by their events' ids, name no end user. Raises StoreUnavailable."""
        ...


class GroupedUsage(Protocol):
    """Every call that the gateway reported, by group."""

    async def groups(self, query: UsageQuery) -> UsageGroups:
        """The query's calls by group.

        Raises StoreUnavailable, TooSlow, TooManyGroups.
        """
        ...


class UsageReports:
    """Sums up an organization's calls."""

    def __init__(self, *, store: GroupedUsage) -> None:
        self._store = store

    async def report(self, query: UsageQuery) -> UsageReport:
        """Sum up. Raises EmptyRange, RangeTooLong and what the store raises."""
        if query.start >= query.end:
            raise EmptyRange
        if query.end - query.start > LONGEST_RANGE:
            raise RangeTooLong
        found = await self._store.groups(query)
        groups = found.groups
        everything = UsageGroup(
            group=(),
            sums=sum((group.sums for group in groups), start=Sums()),
            latency=merged(group.latency for group in groups),
            ttft=merged(group.ttft for group in groups),
        )
        return UsageReport(data=tuple(_usage(group) for group in groups), totals=_usage(everything), gaps=found.gaps)


def default_start(end: datetime) -> datetime:
    """Where a report starts that only names its end."""
    return end - DEFAULT_RANGE


def _usage(group: UsageGroup) -> Usage:
    return Usage(
        group=group.group, sums=group.sums, latency_ms=percentiles(group.latency), ttft_ms=percentiles(group.ttft)
    )
