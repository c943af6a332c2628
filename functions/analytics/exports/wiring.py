"""Exports with their adapters, as the API has them. It imports nothing that writes files."""

from functools import cache

from analytics import wiring as shared
from analytics.exports.announcing import BusAnnouncements
from analytics.exports.objects import S3Files
from analytics.exports.repository import MongoExports
from analytics.exports.service import ExportService
from analytics.settings import FilesBucketSettings
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


@cache
def exports() -> MongoExports:
    """Where exports are kept."""
    return MongoExports(shared.database())


@cache
def files() -> S3Files:
    """Where their files are kept."""
    return S3Files(FilesBucketSettings.model_validate({}).analytics_files_bucket)


def announcements() -> BusAnnouncements:
    """Where it is told of them."""
    return BusAnnouncements(shared.bus(), clock=SystemClock(), new_id=new_id)


async def export_service() -> ExportService:
    """The use cases of exports."""
    return ExportService(exports=exports(), links=files(), announcements=announcements(), clock=SystemClock())


shared.forgotten_on_close(exports.cache_clear)
shared.forgotten_on_close(files.cache_clear)
