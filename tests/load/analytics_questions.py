"""Measure the dashboard's questions alone, over rollups of any number of calls, without keeping each call.

python -m tests.load.analytics_questions [--calls 1000000] [--days 30]

The calls are those of `tests.load.analytics`. Those of days that are over are folded into hours in this process; those
of today are kept one by one, through the use case of the consumer. The schedule's makes everything else, so that
questions are answered as they are there: from days, today's hours, minutes of hours that are not rolled up, and calls.
"""

from collections.abc import Iterable
from datetime import timedelta
from itertools import batched, chain, groupby
from typing import Any
from uuid import UUID

from analytics.percentiles import bucket
from analytics.rollups.columns import Columns, fields
from analytics.rollups.folding import Folded, Rollup, merged
from analytics.rollups.models import Granularity, Unit
from analytics.usage.models import UsageRecorded
from llmo_core.ids import new_id
from tests.integration.analytics.rolled import Platform
from tests.load.analytics import BATCH, NOW, ROUNDS, ask, dashboard, made_calls, main, server, without_expiry


async def keep(platform: Platform, org_id: UUID, number: int, days: int) -> None:
    """Have rollups of all hours of days that are over, and calls of today; what is to be rolled up is marked."""
    fence, midnight = await platform.rollups.fence(), Granularity.DAY.floor(NOW)
    marked = set[Unit]()
    deliveries = chain.from_iterable(made_calls(org_id, number, days))
    for start, those in groupby(deliveries, key=lambda each: Granularity.HOUR.floor(each.event.started_at)):
        if start >= midnight:
            for batch in batched(those, BATCH, strict=False):
                await platform.recording.record(batch)
            continue
        hour = Unit(org_id, Granularity.HOUR, start)
        await platform.rollups.replace({hour: _rollup(delivery.event for delivery in those)}, fence=fence)
        marked.add(hour.coarser)
    await platform.marks.mark(marked, now=NOW)


def _rollup(events: Iterable[UsageRecorded]) -> Rollup:
    folded = Folded()
    for event in events:
        folded.add(_kept(event))
    return merged({each: [Columns(fields(groups))] for each, groups in folded.rollup().items()})


def _kept(event: UsageRecorded) -> dict[str, Any]:
    """A call as the usage store keeps it."""
    speed = event.output_tokens_per_second
    return {
        **event.model_dump(),
        "latency_bucket": bucket(event.latency_ms),
        "ttft_bucket": bucket(event.ttft_ms) if event.ttft_ms is not None else None,
        "speed_bucket": bucket(speed) if speed is not None else None,
        "errors": int(event.failed),
        "cache_hits": int(event.cache == "hit"),
    }


async def measure(number: int, days: int) -> None:
    """Print how long answers take."""
    async with server() as (kind, database):
        print(f"server: {kind}; {number:,} calls over {days} days")
        platform, org_id = Platform(database, NOW), new_id()
        await keep(platform, org_id, number, days)
        rolled = await platform.rolling().roll(until=NOW + timedelta(hours=24))
        print(f"rolled up: {rolled.units} units")
        await without_expiry(database)
        await ask(platform, dashboard(org_id, days), ROUNDS)


if __name__ == "__main__":
    main(__doc__, measure)
