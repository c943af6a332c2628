"""Privacy with its adapters."""

from typing import Final

from analytics import wiring as shared
from analytics.erasures.wiring import erasures
from analytics.privacy.files import MadeFiles
from analytics.privacy.repository import CallsForPeople, EventsOfPeople, RolledMinutes
from analytics.privacy.service import ErasureService
from analytics.rollups.forgetting import Forgetting
from analytics.rollups.wiring import marks, rollups
from analytics.settings import FilesBucketSettings
from llmo_core.clock import SystemClock
from llmo_data.objects import Objects

_ANY_MEDIA_TYPE: Final = "application/octet-stream"  # nothing is written


def _objects() -> Objects:
    return Objects(FilesBucketSettings.model_validate({}).analytics_files_bucket, _ANY_MEDIA_TYPE)


async def erasure_service() -> ErasureService:
    """The use case of erasing people."""
    return ErasureService(
        events=EventsOfPeople(shared.database()),
        calls=CallsForPeople(shared.database()),
        sums_of_events=(),
        sums_of_calls=[RolledMinutes(marks(), clock=SystemClock())],
        memory=erasures(),
        names=Forgetting(rollups()),
        files=MadeFiles(shared.database(), _objects()),
        clock=SystemClock(),
    )
