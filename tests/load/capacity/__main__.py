"""`python -m tests.load.capacity`: the tables of docs/capacity.md, and its chart with `--chart FILE`."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.load.capacity import costs
from tests.load.capacity.chart import chart
from tests.load.capacity.model import Load, Outcome, simulate

USERS = 10_000
BASE = Load(USERS)
CASES = {
    "come within a minute, 3,000 environments": BASE,
    "come within ten seconds": replace(BASE, arrive=10.0),
    "are all there at once": replace(BASE, arrive=0.5),
    "come within a minute, AWS's first quota of 1,000": replace(BASE, concurrency=1000),
    "come within a minute, think for ten seconds": replace(BASE, think=10.0),
    "come within a minute, a slow model (median 10 s)": replace(BASE, serve=10.0),
}


def main() -> None:
    """Simulate, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chart", type=Path, help="where the chart is put, as SVG")
    options = parser.parse_args()
    outcomes = {name: simulate(load) for name, load in CASES.items()}
    print("\n".join(_table(outcomes)))
    print("\n".join(_costs()))
    if options.chart:
        shown = ("come within a minute, 3,000 environments", "are all there at once")
        lines = {f"{name.split(',')[0]}: environments": outcomes[name].environments for name in shown}
        lines |= {f"{name.split(',')[0]}: serving": outcomes[name].busy for name in shown}
        options.chart.write_text(chart(f"{USERS:,} users", "environments", lines))


def _table(outcomes: dict[str, Outcome]) -> Iterator[str]:
    yield f"| {USERS:,} users | Little's law | serve at once | environments | cold starts | refused | p50 | p95 | p99 |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, outcome in outcomes.items():
        asked = len(outcome.latencies) + outcome.refused
        times = " | ".join(f"{outcome.percentile(part):.1f} s" for part in (0.5, 0.95, 0.99))
        yield (
            f"| {name} | {CASES[name].expected:,.0f} | {outcome.steady():,.0f} | {max(outcome.environments):,} "
            f"| {outcome.cold_starts:,} | {100 * outcome.refused / asked:.1f} % | {times} |"
        )


def _costs() -> Iterator[str]:
    yield "\n| a million calls of 3 s | USD |\n|---|---|"
    parts = costs.per_million_calls(3.0)
    yield from (f"| {name} | {price:.2f} |" for name, price in parts.items())
    yield f"| in all | **{sum(parts.values()):.2f}** |"
    yield f"\na million management requests: {costs.per_million_management_requests():.2f} USD"
    yield f"two containers of the gateway cost less from {costs.container_break_even(3.0):,.0f} calls a month on"
    yield "\n| a month | calls | management requests | what stands there | in all |\n|---|---|---|---|---|"
    for size in costs.SIZES:
        yield (
            f"| {size.name} | {size.calls:,} | {size.management:,} | {sum(costs.standing(size).values()):,.0f} USD "
            f"| **{costs.monthly(size):,.0f} USD** |"
        )


if __name__ == "__main__":
    main()
