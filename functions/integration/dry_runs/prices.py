"""The prices that are in force, for one dry run."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from integration.gateway.edition import Edition, packaged
from integration.gateway.planning import Planner
from integration.gateway.price_rows import PostgresEditions
from integration.gateway.pricing import PriceTable
from integration.price_editions import in_force


class CurrentPlanners:
    """Finds where calls could go, at the prices of the newest edition.

    Args:
        editions: Those that are stored.
        overrides: See PriceTable.
        now: The moment whose prices count.
    """

    def __init__(
        self, editions: PostgresEditions, overrides: Mapping[str, Mapping[str, Any]], *, now: Callable[[], datetime]
    ) -> None:
        self._editions = editions
        self._overrides = overrides
        self._now = now

    async def planner(self) -> Planner:
        """What finds them. Raises DatabaseUnavailable."""
        edition = packaged()
        found = await self._editions.newest()
        if found is not None and in_force(found.name):
            edition = Edition(found.name.version, found.name.dated, found.tables.get)
        return Planner(PriceTable(self._overrides, now=self._now, edition=lambda: edition), now=self._now)
