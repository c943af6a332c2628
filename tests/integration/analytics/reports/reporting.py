"""Reports on a real MongoDB and an S3, answered from real rollups, with a clock of the test's own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
from pymongo.asynchronous.database import AsyncDatabase

from analytics.reports.announcing import BusAnnouncements
from analytics.reports.models import Run
from analytics.reports.objects import S3Files
from analytics.reports.planning import ReportPlanner
from analytics.reports.repository import MongoReports
from analytics.reports.run_repository import MongoRuns
from analytics.reports.running import ReportRunner
from analytics.reports.service import ReportService
from analytics.reports.writing import FileWriter
from llmo_auth.principal import ActorType, Permission, Principal
from llmo_core.ids import new_id
from llmo_data.mongo import Document
from tests.clocks import MovableClock
from tests.integration.analytics.buses import RecordingBus
from tests.integration.analytics.calls import call
from tests.integration.analytics.rolled import Platform
from tests.integration.api_caller import ApiCaller

LONG = timedelta(hours=1)
MAY = frozenset({Permission.USAGE_READ, Permission.REPORTS_WRITE})
REPORT: dict[str, Any] = {
    "name": "Spend by model",
    "question": {
        "metrics": ["cost_usd", "requests"],
        "dimensions": ["model"],
        "interval": "day",
        "range": "last_7_days",
    },
    "chart": "stacked_bar",
    "formats": ["pdf", "png", "csv", "parquet"],
    "visibility": "organization",
}
RECIPIENTS = {"addresses": ["finance@example.org"], "user_ids": ["01980a5e-7c00-7000-8000-000000000007"]}
DAILY = {"every": "day", "at": "08:00", "time_zone": "Europe/Berlin"}


class ReportsCaller(ApiCaller):
    """Calls the API; paths are below `/reports`, and the collection's own is empty."""

    async def __call__(self, method: str, path: str, **options: Any) -> httpx2.Response:
        return await super().__call__(method, f"/api/v1/analytics/reports{path}", **options)


@dataclass
class Reporting:
    """One organization, and everything that makes its reports. It is noon of 21 August 2026, UTC."""

    database: AsyncDatabase[Document]
    bucket: str
    client: Callable[[], Any]
    org_id: UUID = field(default_factory=new_id)
    bus: RecordingBus = field(default_factory=RecordingBus)
    platform: Platform = field(init=False)

    def __post_init__(self) -> None:
        self.platform = Platform(self.database)

    @property
    def clock(self) -> MovableClock:
        return self.platform.clock

    @property
    def reports(self) -> MongoReports:
        return MongoReports(self.database)

    @property
    def runs(self) -> MongoRuns:
        return MongoRuns(self.database)

    @property
    def files(self) -> S3Files:
        return S3Files(self.bucket, client=self.client)

    @property
    def announcements(self) -> BusAnnouncements:
        return BusAnnouncements(self.bus, clock=self.clock, new_id=new_id)

    @property
    def service(self) -> ReportService:
        return self.service_with()

    def service_with(self, **replaced: Any) -> ReportService:
        parts: dict[str, Any] = {
            "reports": self.reports,
            "runs": self.runs,
            "files": self.files,
            "announcements": self.announcements,
            "clock": self.clock,
        }
        return ReportService(**{**parts, **replaced})

    def planner(self, **replaced: Any) -> ReportPlanner:
        parts = {"reports": self.reports, "runs": self.runs, "announcements": self.announcements, "clock": self.clock}
        return ReportPlanner(**{**parts, **replaced})

    async def plan(self) -> int:
        """What a planner with all the time it needs has planned."""
        return await self.planner().plan(until=self.clock.now() + LONG)

    def runner(self, **replaced: Any) -> ReportRunner:
        parts: dict[str, Any] = {
            "reports": self.reports,
            "runs": self.runs,
            "answers": self.platform.answers,
            "writer": FileWriter(),
            "files": self.files,
            "announcements": self.announcements,
            "clock": self.clock,
        }
        return ReportRunner(**{**parts, **replaced})

    def member(self, user_id: UUID | None = None, *, permissions: frozenset[str] = MAY) -> Principal:
        return Principal(
            org_id=self.org_id,
            project_id=None,
            actor_type=ActorType.USER,
            actor_id=user_id or new_id(),
            permissions=permissions,
        )

    async def busy(self) -> None:
        """Three calls on 17 August, which are rolled up."""
        await self.platform.record(
            [call(self.org_id, model=model, cost_usd=cost) for model, cost in (("a", "1"), ("b", "2.5"), ("=b", "3"))]
        )
        await self.platform.roll()

    async def every_run(self, report_id: UUID) -> list[Run]:
        return list((await self.runs.page(self.org_id, report_id, before=None, limit=100)).data)

    def content(self, run: Run, kind: str) -> bytes:
        [key] = [file.key for file in run.files if file.format == kind]
        body: bytes = self.client().get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body
