"""Rollups over a real server, with a clock of the test's own."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pymongo.asynchronous.database import AsyncDatabase

from analytics.erasures.repository import MongoErasures
from analytics.querying.rolled_usage import RolledUsage
from analytics.querying.service import Answers
from analytics.rollups.calls_repository import MongoCalls
from analytics.rollups.marks_repository import MongoMarks
from analytics.rollups.reading import Reading
from analytics.rollups.recording import Recording
from analytics.rollups.repository import MongoRollups
from analytics.rollups.service import Rolled, Rolling
from analytics.usage.repository import MongoUsageStore
from analytics.usage.service import UsageReports
from llmo_data.mongo import Document
from llmo_messaging.envelope import Envelope
from tests.clocks import MovableClock
from tests.integration.analytics.calls import delivered

NOW = datetime(2026, 8, 21, 12, tzinfo=UTC)


class Platform:
    """Analytics of LLM calls, all of it on one database."""

    def __init__(self, database: AsyncDatabase[Document], now: datetime = NOW) -> None:
        self.clock = MovableClock(now)
        self.store = MongoUsageStore(database, clock=self.clock, kept=timedelta(days=3650))
        self.calls, self.marks = MongoCalls(database), MongoMarks(database)
        self.rollups = MongoRollups(database, clock=self.clock, minutes_kept=timedelta(days=3650))
        self.erasures = MongoErasures(database)
        self.recording = Recording(store=self.store, erasures=self.erasures, marks=self.marks, clock=self.clock)
        self.reading = Reading(
            calls=self.calls,
            marks=self.marks,
            rollups=self.rollups,
            clock=self.clock,
            calls_kept=timedelta(days=3650),
        )
        self.reports = UsageReports(store=RolledUsage(reading=self.reading, calls=self.store))
        self.answers = Answers(reading=self.reading)

    def rolling(self) -> Rolling:
        return Rolling(calls=self.calls, marks=self.marks, rollups=self.rollups, clock=self.clock)

    async def record(self, envelopes: Sequence[Envelope]) -> None:
        if envelopes:
            await self.recording.record([delivered(envelope) for envelope in envelopes])

    async def roll(self) -> Rolled:
        return await self.rolling().roll(until=self.clock.now() + timedelta(hours=1))
