"""What people do with reports."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from analytics.creations import Creation
from analytics.creations import Made as Created
from analytics.reports.models import (
    LINKS_LAST,
    MOST_REPORTS,
    Definition,
    File,
    NotYourReport,
    Report,
    ReportChanged,
    Run,
    RunState,
    TooManyReports,
    Visibility,
)
from analytics.reports.ports import Announcements, Files, Made, Place, Reports, Runs
from analytics.reports.schedules import next_due
from analytics.storage import kept
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.errors import LlmoError, NotFound
from llmo_core.observability import logger
from llmo_messaging.bus import PublishFailed

_CHANGES_AT_ONCE: Final = 5


@dataclass(frozen=True, slots=True)
class Download:
    """A file's address, and until when it works."""

    file: File
    url: str
    expires_at: datetime


class ReportService:
    """Saved reports and their runs, as one caller sees them. Everything raises StoreUnavailable."""

    def __init__(
        self, *, reports: Reports, runs: Runs, files: Files, announcements: Announcements, clock: Clock
    ) -> None:
        self._reports = reports
        self._runs = runs
        self._files = files
        self._announcements = announcements
        self._clock = clock

    async def create(self, principal: Principal, definition: Definition, creation: Creation) -> Created[Report]:
        """Save a report. Raises NoChart, ChartNeedsInterval, UnknownTimeZone, TooManyReports, IdempotencyKeyReused."""
        definition.checked()
        if await self._reports.count(principal.org_id) >= MOST_REPORTS:
            await _known(self._reports.find(principal.org_id, creation.id, principal.actor_id), TooManyReports())
        now = self._now()
        report, added = await self._reports.add(
            Report(
                id=creation.id,
                org_id=principal.org_id,
                request_hash=creation.request_hash,
                owner_type=principal.actor_type,
                owner_id=principal.actor_id,
                version=1,
                definition=definition,
                next_due_at=due_after(definition, now),
                created_at=now,
                updated_at=now,
            )
        )
        return creation.made(report, report.request_hash, repeated=not added)

    async def show(self, principal: Principal, report_id: UUID) -> Report:
        """A report. Raises NoSuchReport."""
        return await self._reports.find(principal.org_id, report_id, principal.actor_id)

    async def page(self, principal: Principal, *, before: Place | None, limit: int) -> Made[Report]:
        """The organization's reports and the caller's own, the latest first."""
        return await self._reports.page(principal.org_id, principal.actor_id, before=before, limit=limit)

    async def change(
        self,
        principal: Principal,
        report_id: UUID,
        changed: Callable[[Definition], Definition],
        *,
        expected: Collection[int] | None,
    ) -> Report:
        """Change a report. Raises NoSuchReport, NotYourReport, ReportChanged, and what `create` does of definitions.

        `changed` makes the new definition of the present one; `expected` are the versions that the change is meant for,
        None for any.
        """
        for _ in range(_CHANGES_AT_ONCE):
            report = await self._expected(principal, report_id, expected)
            definition = changed(report.definition).checked()
            if _hidden(report, definition) and report.owner_id != principal.actor_id:
                raise NotYourReport
            now = self._now()
            same_time = definition.schedule == report.definition.schedule
            following = report.model_copy(
                update={
                    "definition": definition,
                    "version": report.version + 1,
                    "next_due_at": report.next_due_at if same_time else due_after(definition, now),
                    "updated_at": now,
                }
            )
            if await self._reports.change(following, from_version=report.version):
                return following
        raise ReportChanged

    async def remove(self, principal: Principal, report_id: UUID, *, expected: Collection[int] | None) -> None:
        """Delete a report and its runs; its files are gone within eight days. Raises NoSuchReport, ReportChanged."""
        report = await self._expected(principal, report_id, expected)
        await self._runs.forget(principal.org_id, [report_id])  # first: a repetition does not find the report any more
        if not await self._reports.remove(report, version=report.version):
            raise ReportChanged
        await self._runs.forget(principal.org_id, [report_id])  # those that were asked for meanwhile

    async def run(self, principal: Principal, report_id: UUID, creation: Creation, *, notify: bool) -> Created[Run]:
        """Have a report made now. Raises NoSuchReport, TooManyRuns, IdempotencyKeyReused.

        A worker is told at once; when that fails it is found within a minute.
        """
        report = await self.show(principal, report_id)
        now = self._now()
        run, added = await self._runs.add_asked(
            run_of(report, creation.id, now, now, scheduled=False, notify=notify, request_hash=creation.request_hash)
        )
        if added:
            await self._wake(run)
        return creation.made(run.seen(now), run.request_hash, repeated=not added)

    async def runs(self, principal: Principal, report_id: UUID, *, before: Place | None, limit: int) -> Made[Run]:
        """A report's runs, the latest first. Raises NoSuchReport."""
        await self.show(principal, report_id)
        page = await self._runs.page(principal.org_id, report_id, before=before, limit=limit)
        now = self._clock.now()
        return Made([run.seen(now) for run in page.data], page.last)

    async def show_run(self, principal: Principal, report_id: UUID, run_id: UUID) -> tuple[Run, Sequence[Download]]:
        """A run and where its files are. Raises NoSuchReport, NoSuchRun, ObjectsUnavailable."""
        await self.show(principal, report_id)
        now = self._clock.now()
        run = (await self._runs.find(principal.org_id, report_id, run_id)).seen(now)
        if run.state is not RunState.DONE:
            return run, ()
        until = min(now + LINKS_LAST, run.expires_at or now)
        seconds = max(int((until - now).total_seconds()), 1)
        return run, [Download(file, await self._files.link(file, seconds=seconds), until) for file in run.files]

    async def _expected(self, principal: Principal, report_id: UUID, expected: Collection[int] | None) -> Report:
        report = await self.show(principal, report_id)
        if expected is not None and report.version not in expected:
            raise ReportChanged
        return report

    async def _wake(self, run: Run) -> None:
        try:
            await self._announcements.requested(run)
        except PublishFailed as error:
            logger().warning("report waits for the schedule", extra={"reason": error.detail})

    def _now(self) -> datetime:
        return kept(self._clock.now())


def _hidden(report: Report, definition: Definition) -> bool:
    """Whether a definition takes a report away from the organization."""
    return definition.visibility is Visibility.PRIVATE and definition.visibility is not report.definition.visibility


def due_after(definition: Definition, now: datetime) -> datetime | None:
    """When a report is due next; None where it has no schedule, or one that is off."""
    schedule = definition.schedule
    return next_due(schedule, now) if schedule is not None and schedule.enabled else None


def run_of(
    report: Report,
    run_id: UUID,
    at: datetime,
    now: datetime,
    *,
    scheduled: bool,
    notify: bool,
    request_hash: str | None = None,
) -> Run:
    """A run of a report as it is now, over the range that it has at a moment."""
    return Run(
        id=run_id,
        org_id=report.org_id,
        report_id=report.id,
        request_hash=request_hash,
        definition=report.definition,
        at=at,
        scheduled=scheduled,
        notify=notify,
        state=RunState.QUEUED,
        created_at=now,
    )


async def _known(found: Awaitable[object], otherwise: LlmoError) -> None:
    """Raise the error unless what a repeated request made is there."""
    try:
        await found
    except NotFound as error:
        raise otherwise from error
