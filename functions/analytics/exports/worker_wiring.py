"""The maker of exports with its adapters. Importing it takes what writes files."""

from functools import cache

from analytics import wiring as shared
from analytics.exports.columns import SOURCES
from analytics.exports.models import Order
from analytics.exports.raw_events import MongoRawEvents
from analytics.exports.table_files import table_file
from analytics.exports.wiring import announcements, exports, files
from analytics.exports.working import ExportWorker
from llmo_core.clock import SystemClock


@cache
def export_worker() -> ExportWorker:
    """Makes exports."""
    return ExportWorker(
        exports=exports(),
        events=_events,
        files=files(),
        new_file=table_file,
        announcements=announcements(),
        clock=SystemClock(),
    )


def _events(order: Order) -> MongoRawEvents:
    return MongoRawEvents(shared.database(), SOURCES[order.what])


shared.forgotten_on_close(export_worker.cache_clear)
