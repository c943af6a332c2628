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

    def advance(self, **by: float) -> None:
        """Let so many days, hours, minutes or seconds go by."""
        self.moment += timedelta(**by)
