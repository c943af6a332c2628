"""Running reports: the question is asked, every file is put into S3, and only then the run says that they are there."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from analytics.reports.models import KEPT, LINKS_LAST, File, Format, HeldRun, Run, RunState
from analytics.reports.ports import Announcements, Answers, Files, HeldRuns, LiveReports, Writer
from analytics.storage import kept
from llmo_core.clock import Clock
from llmo_core.errors import Invalid, Unavailable
from llmo_core.observability import logger

_MOST_ATTEMPTS: Final = 5
_AT_ONCE: Final = 20
_LONGEST: Final = timedelta(days=1)
_FOR_A_RUN: Final = timedelta(seconds=90)


class ReportRunner:
    """Runs reports. Everything raises StoreUnavailable, after which it is found again when the lease is over."""

    def __init__(
        self,
        *,
        reports: LiveReports,
        runs: HeldRuns,
        answers: Answers,
        writer: Writer,
        files: Files,
        announcements: Announcements,
        clock: Clock,
    ) -> None:
        self._reports = reports
        self._runs = runs
        self._answers = answers
        self._writer = writer
        self._files = files
        self._announcements = announcements
        self._clock = clock

    async def tick(self, *, until: datetime) -> int:
        """Run what was left, and tell the recipients of what is done; how many runs were worked on."""
        await self._announce()
        worked = 0
        for run_id in await self._runs.left(now=self._clock.now(), limit=_AT_ONCE):
            if self._clock.now() + _FOR_A_RUN > until:
                break
            await self.advance(run_id)
            worked += 1
        return worked

    async def advance(self, run_id: UUID) -> None:
        """Make a run's files and tell its recipients. Safe to repeat, and at once.

        While something that this needs does not answer, it waits for a day. Of a report that was deleted while its run
        was planned nothing is made.
        """
        held = await self._runs.take(run_id, now=self._clock.now())
        if held is None:
            return
        if not await self._reports.exists(held.run.org_id, held.run.report_id):
            await self._runs.forget(held.run.org_id, [held.run.report_id])
            return
        if held.attempts > _MOST_ATTEMPTS:
            await self._fail(held, "It could not be made in five attempts.")
            return
        try:
            await self._make(held)
        except Invalid as error:
            await self._fail(held, error.detail)
        except Unavailable as error:
            await self._put_off(held, error.detail)

    async def _make(self, held: HeldRun) -> None:
        run = held.run
        question = run.definition.inquiry.question(run.org_id, at=run.at)
        answer = await self._answers.ask(question)
        files = []
        for kind in run.definition.formats:
            content = self._writer.write(kind, run.definition, answer, made_at=run.at)
            key = f"reports/{run.org_id}/{run.id}/{held.fence}/report.{kind}"
            await self._files.put(kind, key, content)
            name = f"report_{question.start:%Y%m%dT%H%M}_{question.end:%Y%m%dT%H%M}.{kind}"
            files.append(File(format=kind, key=key, name=name, size=len(content)))
        now = kept(self._clock.now())
        done = run.model_copy(
            update={
                "state": RunState.DONE,
                "start": question.start,
                "end": question.end,
                "files": tuple(files),
                "rows": len(answer.rows),
                "finished_at": now,
                "expires_at": now + KEPT,
            }
        )
        if await self._runs.finish(held, done):
            await self._announce()

    async def _fail(self, held: HeldRun, reason: str) -> None:
        logger().warning("report failed", extra={"reason": reason})
        now = kept(self._clock.now())
        failed = {"state": RunState.FAILED, "failure": reason, "finished_at": now}
        if await self._runs.finish(held, held.run.model_copy(update=failed)):
            await self._announce()

    async def _put_off(self, held: HeldRun, reason: str) -> None:
        now = self._clock.now()
        if held.run.created_at + _LONGEST < now:
            await self._fail(held, f"It could not be made for a day: {reason}")
            return
        logger().warning("report put off", extra={"reason": reason})
        await self._runs.pause(held, now=now)

    async def _announce(self) -> None:
        """Tell the recipients of what is over; what cannot be told now waits for the next time."""
        for run in await self._runs.unannounced(limit=_AT_ONCE):
            try:
                await self._tell(run)
            except Unavailable as error:
                logger().warning("report not announced", extra={"reason": error.detail})
                return
            await self._runs.announced(run.id)

    async def _tell(self, run: Run) -> None:
        if run.state is RunState.FAILED:
            await self._announcements.failed(run)
            return
        now = self._clock.now()
        until = min(now + LINKS_LAST, run.expires_at or now)
        if until > now and run.files:
            url = await self._files.link(_linked(run), seconds=int((until - now).total_seconds()))
            await self._announcements.ready(run, url, until)


def _linked(run: Run) -> File:
    """The file that a mail links to."""
    return min(run.files, key=lambda file: list(Format).index(file.format))
