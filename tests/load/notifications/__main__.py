"""What the notification service does in a second, how long what is urgent waits, and what a killed sender loses.

`python -m tests.load.notifications [throughput] [priority] [faults] [--messages 10000] [--profile]`. PostgreSQL, Redis
and the stand-ins of vendors are its own, on this machine: nothing is sent anywhere.
"""

import argparse
import asyncio
import sys
from typing import Final

from llmo_core.observability import logger
from tests.load.notifications import faults, priority, throughput
from tests.load.notifications.places import place

_MOST: Final = 10_000
_PARTS: Final = ("throughput", "priority", "faults")


async def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(_PARTS)}; all without any")
    parser.add_argument("--messages", type=int, default=_MOST, help="how many, 10,000 at most")
    parser.add_argument("--every", type=float, default=0.2, help="seconds between those that are urgent")
    parser.add_argument("--planners", type=int, default=1, choices=(1, 2), help="how many planners `priority` has")
    parser.add_argument("--hurry", type=float, default=30.0, help="how many times as fast the clock of `faults` goes")
    parser.add_argument("--profile", action="store_true", help="where the time of throughput goes")
    asked = parser.parse_args()
    if asked.messages > _MOST or not {*asked.parts} <= {*_PARTS}:
        sys.exit(f"a load is bounded: 10,000 messages at most, and there are {', '.join(_PARTS)}")
    logger().setLevel("ERROR")
    for part in asked.parts or _PARTS:
        await _measure(part, asked)


async def _measure(part: str, asked: argparse.Namespace) -> None:
    if part == "throughput":
        async with place() as here:
            await throughput.measure(here, asked.messages, profile=asked.profile)
        return
    if part == "priority":
        for planned in (True, False):
            async with place() as here:
                await priority.measure(
                    here, asked.messages, every_seconds=asked.every, planned=planned, planners=asked.planners
                )
        return
    for by in (faults.SENDGRID, faults.SMTP, faults.WEB_PUSH):
        async with place() as here:
            await faults.measure(here, asked.messages, by, hurry=asked.hurry)


if __name__ == "__main__":
    asyncio.run(main())
