"""Entry point of the months that usage is kept by: once a day those ahead are made, and old ones dropped."""

from collections.abc import Mapping
from typing import Any

from billing.usage import wiring
from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger


@Counting
def handler(_event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Make and drop months; answers how many. Safe to repeat."""
    made, dropped = run(wiring.months().arrange())
    done = {"made": made, "dropped": dropped}
    logger().info("months of usage arranged", extra=done)
    return done
