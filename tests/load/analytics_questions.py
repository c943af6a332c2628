"""Measure the dashboard's questions alone, over rollups of any number of calls, without keeping each call.

python -m tests.load.analytics_questions [--calls 1000000] [--days 30]

The calls are those of `tests.load.analytics`. They are folded into hours in this process; the schedule's use case makes
the days. The day that is not over is read from its hours; no minutes and no single calls are read.
"""

import argparse
import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from analytics.percentiles import bucket
from analytics.rollups.columns import Columns, fields
from analytics.rollups.folding import Folded, Rollup, merged
from analytics.rollups.models import Granularity, Unit
from analytics.usage.models import UsageRecorded
from llmo_core.ids import new_id
from tests.integration.analytics.rolled import Platform
from tests.load.analytics import NOW, ROUNDS, ask, dashboard, made_calls, server, without_expiry


def hours(org_id: UUID, number: int, days: int) -> Iterator[tuple[datetime, Rollup]]:
    """The rollups of all hours with calls, ascending."""
    events = (delivery.event for batch in made_calls(org_id, number, days) for delivery in batch)
    for start, those in groupby(events, key=lambda event: Granularity.HOUR.floor(event.started_at)):
        folded = Folded()
        for event in those:
            folded.add(_kept(event))
        yield start, merged({each: [Columns(fields(groups))] for each, groups in folded.rollup().items()})


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
        fence, marked = await platform.rollups.fence(), set[Unit]()
        for start, rollup in hours(org_id, number, days):
            hour = Unit(org_id, Granularity.HOUR, start)
            await platform.rollups.replace({hour: rollup}, fence=fence)
            marked.add(hour.coarser)
        await platform.marks.mark(marked, now=NOW)
        rolled = await platform.rolling().roll(until=NOW + timedelta(hours=24))
        print(f"rolled up: {rolled.units} days")
        await without_expiry(database)
        await ask(platform, dashboard(org_id, days), ROUNDS)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    given = parser.parse_args()
    asyncio.run(measure(given.calls, given.days))


if __name__ == "__main__":
    main()
