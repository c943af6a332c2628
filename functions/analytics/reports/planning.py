"""Runs of reports that are due: each moment of a schedule is one run, whoever notices it and however often.

What was due while nothing ran is run once, for the latest of the moments that were missed.
"""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from analytics.reports.models import Report, Run
from analytics.reports.ports import Announcements, DueReports, HeldRuns
from analytics.reports.schedules import latest_due
from analytics.reports.service import due_after, run_of
from analytics.storage import kept
from llmo_core.clock import Clock
from llmo_core.errors import Invalid
from llmo_core.observability import logger
from llmo_messaging.bus import PublishFailed

_AT_ONCE: Final = 200


class ReportPlanner:
    """Plans the runs of schedules, and forgets what nobody can see any more."""

    def __init__(self, *, reports: DueReports, runs: HeldRuns, announcements: Announcements, clock: Clock) -> None:
        self._reports = reports
        self._runs = runs
        self._announcements = announcements
        self._clock = clock

    async def plan(self, *, until: datetime) -> int:
        """Plan what is due, until then; how many runs that were. Safe to repeat, and at once. Raises StoreUnavailable.

        When the bus does not take one, no other one is told either: the runner finds all of them by itself.
        """
        planned, telling = 0, True
        for report in await self._reports.due(now=kept(self._clock.now()), limit=_AT_ONCE):
            now = kept(self._clock.now())
            if now >= until:
                break
            try:
                run = await self._plan(report, now)
                telling = telling and (run is None or await self._told(run))
                await self._reports.planned(report, due_after(report.definition, now))
            except Invalid as error:  # a time zone that is no more; the others are not to wait for it
                logger().error("report is not due any more", extra={"reason": error.detail})
                await self._reports.planned(report, None)
            planned += 1
        return planned

    async def forget(self, org_id: UUID, owner_id: UUID) -> None:
        """Delete private reports of somebody who left, or of a key that was revoked, with their runs.

        Nobody can see them any more. Safe to repeat. Raises StoreUnavailable.
        """
        found = await self._reports.private_of(org_id, owner_id)
        await self._runs.forget(org_id, found)  # first: after the reports nobody would find them any more
        await self._reports.forget_private(org_id, owner_id, found)
        await self._runs.forget(org_id, found)  # those that were planned meanwhile

    async def close(self, org_id: UUID) -> None:
        """Delete all reports of an organization that was closed, with their runs. Safe to repeat."""
        found = await self._reports.all_of(org_id)
        await self._runs.forget(org_id, found)
        await self._reports.forget(org_id, found)
        await self._runs.forget(org_id, found)

    async def _plan(self, report: Report, now: datetime) -> Run | None:
        """The run that is due; None where it is there already."""
        schedule = report.definition.schedule
        if schedule is None:
            return None
        at = latest_due(schedule, now)
        run_id = uuid5(report.id, at.isoformat())
        run, added = await self._runs.add(run_of(report, run_id, at, now, scheduled=True, notify=True))
        return run if added else None

    async def _told(self, run: Run) -> bool:
        try:
            await self._announcements.requested(run)
        except PublishFailed as error:
            logger().warning("runs wait for the runner", extra={"reason": error.detail})
            return False
        return True
