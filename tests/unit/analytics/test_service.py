from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from analytics.models import EmptyRange, RangeTooLong
from analytics.percentiles import bucket
from analytics.usage.models import Sums, UsageGroup, UsageGroups, UsageQuery, UsageRecorded
from analytics.usage.service import UsageReports
from llmo_core.ids import new_id
from llmo_messaging.consumer import Delivery

END = datetime(2026, 8, 17, tzinfo=UTC)


@dataclass
class StoreInMemory:
    """Holds groups that are made up already; lacks filters."""

    kept: Sequence[UsageGroup] = ()

    async def add(self, deliveries: Sequence[Delivery[UsageRecorded]]) -> None:
        raise NotImplementedError

    async def groups(self, _query: UsageQuery) -> UsageGroups:
        return UsageGroups(groups=tuple(self.kept))


def query(length: timedelta) -> UsageQuery:
    return UsageQuery(org_id=new_id(), start=END - length, end=END)


async def test_totals_are_the_sum_of_the_groups_and_their_percentiles_of_all_calls() -> None:
    fast = UsageGroup(
        group=("fast",),
        sums=Sums(requests=9, cost_usd=Decimal("0.000000000001")),
        latency={bucket(10): 9},
        ttft={bucket(5): 1},
    )
    slow = UsageGroup(
        group=("slow",), sums=Sums(requests=1, errors=1, cost_usd=Decimal("0.2")), latency={bucket(1000): 1}, ttft={}
    )

    report = await UsageReports(store=StoreInMemory([fast, slow])).report(query(timedelta(days=1)))

    assert [usage.group for usage in report.data] == [("fast",), ("slow",)]
    assert report.totals.sums == Sums(requests=10, errors=1, cost_usd=Decimal("0.200000000001"))
    assert report.totals.latency_ms is not None
    assert report.totals.latency_ms.p50 == pytest.approx(10, rel=0.01)
    assert report.data[1].latency_ms is not None
    assert report.data[1].latency_ms.p50 == pytest.approx(1000, rel=0.01)
    assert report.data[1].ttft_ms is None


async def test_without_calls_a_report_has_zeros_and_no_latencies() -> None:
    report = await UsageReports(store=StoreInMemory()).report(query(timedelta(days=1)))

    assert report.data == ()
    assert report.totals.sums == Sums()
    assert report.totals.latency_ms is None


@pytest.mark.parametrize("length", [timedelta(0), timedelta(days=-1)])
async def test_a_range_must_not_be_empty(length: timedelta) -> None:
    with pytest.raises(EmptyRange):
        await UsageReports(store=StoreInMemory()).report(query(length))


async def test_a_range_has_at_most_366_days() -> None:
    reports = UsageReports(store=StoreInMemory())
    await reports.report(query(timedelta(days=366)))
    with pytest.raises(RangeTooLong):
        await reports.report(query(timedelta(days=366, microseconds=1)))
