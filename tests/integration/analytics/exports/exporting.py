"""Exports on a real MongoDB and an S3, with a clock and a page size of the test's own."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import UUID

from arro3.io import read_parquet
from pymongo.asynchronous.database import AsyncDatabase

from analytics.creations import Creation
from analytics.exports.announcing import BusAnnouncements
from analytics.exports.columns import SOURCES
from analytics.exports.models import Criteria, Export, Format, Order, Part, What
from analytics.exports.objects import S3Files
from analytics.exports.raw_events import MongoRawEvents
from analytics.exports.repository import MongoExports
from analytics.exports.service import ExportService
from analytics.exports.table_files import table_file
from analytics.exports.working import ExportWorker
from analytics.usage.repository import MongoUsageStore
from llmo_auth.principal import ActorType, Permission, Principal
from llmo_core.ids import new_id
from llmo_data.mongo import Document
from tests.clocks import MovableClock
from tests.integration.analytics.buses import RecordingBus
from tests.integration.analytics.calls import STARTED, call, delivered

PART_ROWS = 4
LONG = timedelta(hours=1)
START = datetime(2026, 8, 17, tzinfo=UTC)
END = datetime(2026, 8, 18, tzinfo=UTC)


@dataclass
class Exporting:
    """One organization, and everything that makes its exports.

    Attributes:
        client: Gives an S3 client.
    """

    database: AsyncDatabase[Document]
    bucket: str
    client: Callable[[], Any]
    org_id: UUID = field(default_factory=new_id)
    clock: MovableClock = field(default_factory=MovableClock)
    bus: RecordingBus = field(default_factory=RecordingBus)

    @property
    def exports(self) -> MongoExports:
        return MongoExports(self.database)

    @property
    def files(self) -> S3Files:
        return S3Files(self.bucket, client=self.client)

    @property
    def announcements(self) -> BusAnnouncements:
        return BusAnnouncements(self.bus, clock=self.clock, new_id=new_id)

    @property
    def service(self) -> ExportService:
        return ExportService(exports=self.exports, links=self.files, announcements=self.announcements, clock=self.clock)

    def worker(self, **replaced: Any) -> ExportWorker:
        parts: dict[str, Any] = {
            "exports": self.exports,
            "events": lambda order: MongoRawEvents(self.database, SOURCES[order.what]),
            "files": self.files,
            "new_file": table_file,
            "announcements": self.announcements,
            "clock": self.clock,
            "part_rows": PART_ROWS,
            **replaced,
        }
        return ExportWorker(**parts)

    def principal(self, actor: ActorType = ActorType.USER) -> Principal:
        return Principal(
            org_id=self.org_id,
            project_id=None,
            actor_type=actor,
            actor_id=self.org_id,
            permissions=frozenset({Permission.USAGE_READ}),
        )

    async def request(self, *, format: Format = Format.CSV, what: What = What.USAGE, **criteria: Any) -> Export:  # noqa: A002
        order = Order(what=what, format=format, start=START, end=END, criteria=Criteria(**criteria))
        made = await self.service.request(self.principal(), order, Creation(new_id(), None))
        return made.thing

    async def calls(self, count: int, **data: Any) -> list[str]:
        """So many calls, three of them in each millisecond; the costs, in the order of their starts."""
        costs = [str(Decimal(number + 1).scaleb(-12)) for number in range(count)]
        events = [
            call(
                self.org_id,
                cost_usd=cost,
                started_at=(STARTED + timedelta(milliseconds=number // 3)).isoformat(),
                **data,
            )
            for number, cost in enumerate(costs)
        ]
        await MongoUsageStore(self.database, clock=self.clock, kept=timedelta(days=3650)).add(
            [delivered(event) for event in events]
        )
        return costs

    async def finished(self, export: Export, **replaced: Any) -> Export:
        """The export when a worker had all the time it needs."""
        await self.worker(**replaced).advance(export.id, until=self.clock.now() + LONG)
        return await self.found(export)

    async def found(self, export: Export) -> Export:
        return await self.exports.find(self.org_id, export.id)

    def content(self, part: Part) -> bytes:
        body: bytes = self.client().get_object(Bucket=self.bucket, Key=part.key)["Body"].read()
        return body

    def rows(self, export: Export) -> list[dict[str, Any]]:
        """All rows of an export's files, in their order."""
        return [row for part in export.progress.parts for row in self._rows(export.order.format, self.content(part))]

    def _rows(self, kind: Format, content: bytes) -> list[dict[str, Any]]:
        if kind is Format.CSV:
            return list(csv.DictReader(StringIO(content.decode(), newline="")))
        table = read_parquet(content).read_all()
        columns = {name: list(table[name].to_pylist()) for name in table.column_names}
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def costs_of(rows: Sequence[dict[str, Any]]) -> list[Decimal]:
    """What the rows cost, sorted: events of one millisecond are in the order of their ids."""
    return sorted(Decimal(row["cost_usd"]) for row in rows)
