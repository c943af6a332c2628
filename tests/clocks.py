"""Clocks that tests set."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 8, 17, 12, tzinfo=UTC)


@dataclass
class MovableClock:
    """Tells the time that a test says it is."""

    moment: datetime = NOON

    def now(self) -> datetime:
        """The time that it is."""
        return self.moment

    def set(self, year: int, month: int, day: int, hour: int = 0) -> None:
        """Let it be this hour, in UTC."""
        self.moment = datetime(year, month, day, hour, tzinfo=UTC)

    def advance(self, **by: float) -> None:
        """Let so many days, hours, minutes or seconds go by."""
        self.moment += timedelta(**by)
