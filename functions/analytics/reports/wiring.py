"""Reports with their adapters, as the API has them. It imports nothing that writes files."""

from functools import cache

from analytics import wiring as shared
from analytics.reports.announcing import BusAnnouncements
from analytics.reports.objects import S3Files
from analytics.reports.repository import MongoReports
from analytics.reports.run_repository import MongoRuns
from analytics.reports.service import ReportService
from analytics.settings import FilesBucketSettings
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


@cache
def reports() -> MongoReports:
    """Where reports are kept."""
    return MongoReports(shared.database())


@cache
def runs() -> MongoRuns:
    """Where their runs are kept."""
    return MongoRuns(shared.database())


@cache
def files() -> S3Files:
    """Where their files are kept."""
    return S3Files(FilesBucketSettings.model_validate({}).analytics_files_bucket)


def announcements() -> BusAnnouncements:
    """Where it is told of them."""
    return BusAnnouncements(shared.bus(), clock=SystemClock(), new_id=new_id)


async def report_service() -> ReportService:
    """The use cases of reports."""
    return ReportService(
        reports=reports(), runs=runs(), files=files(), announcements=announcements(), clock=SystemClock()
    )


for made in (reports, runs, files):
    shared.forgotten_on_close(made.cache_clear)
