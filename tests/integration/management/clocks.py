"""The time, as a test has it."""

from datetime import datetime


class At:
    """Tells one moment."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment
