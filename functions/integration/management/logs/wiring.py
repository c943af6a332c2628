"""The use cases of contents with their adapters."""

from integration.content_log.objects import S3CallContents
from integration.management import wiring as shared
from integration.management.logs.contents import KeptContents
from integration.management.logs.repository import PostgresLoggedCalls, PostgresLoggings
from integration.management.logs.service import LoggingService, LogService
from llmo_core.clock import SystemClock
from llmo_data.objects import Objects


async def logging_service() -> LoggingService:
    """The use cases of what projects want kept."""
    return LoggingService(
        loggings=PostgresLoggings(shared.database()),
        events=shared.events(),
        change=shared.changes().change,
        clock=SystemClock(),
    )


async def log_service() -> LogService:
    """The use cases of what was kept."""
    return LogService(
        calls=PostgresLoggedCalls(shared.database()),
        contents=KeptContents(S3CallContents(Objects(shared.settings().contents_bucket, "application/json"))),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )
