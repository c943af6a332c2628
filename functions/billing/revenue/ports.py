"""What the use case of revenue needs of the world around it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from billing.revenue.models import Booked, Movement
from llmo_core.currencies import Currency


class Revenue(Protocol):
    """What came of all organizations together, in months."""

    async def movements(self, months: Sequence[date], *, now: datetime) -> Mapping[tuple[date, Currency], Movement]:
        """What recurred at the end of each month, or now, by month and currency; nothing where nothing did."""
        ...

    async def booked(
        self, months: Sequence[date], *, now: datetime
    ) -> Mapping[tuple[date, Currency], Sequence[Booked]]:
        """What was booked by the end of each month, or by now, by month and currency."""
        ...
