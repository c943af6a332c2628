"""Bodies of runs of reports."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import ConfigDict, Field

from analytics.reports.models import Format, Run, RunState
from analytics.reports.ports import Made
from analytics.reports.service import Download
from llmo_core.fields import Flag
from llmo_core.model import Model
from llmo_core.paging import cursor_after_moment


class RunIn(Model):
    """How to run a report."""

    notify: Flag = Field(default=False, description="Whether the report's recipients are mailed, as on its schedule.")


class FileOut(Model):
    """A file of a run, and an address for it that anybody who has it can use until `url_expires_at`."""

    format: Format
    name: str
    size: int = Field(description="In bytes.")
    url: str
    url_expires_at: datetime


class RunOut(Model):
    """A run of a report. `files` are there when it is done."""

    model_config = ConfigDict(populate_by_name=True)

    id: UUID
    report_id: UUID
    state: RunState
    scheduled: bool
    at: datetime = Field(description="What the report's range was relative to.")
    from_: datetime | None = Field(alias="from")
    to: datetime | None
    rows: int | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None = Field(description="When the files are gone.")
    failure: str | None
    files: Sequence[FileOut] = Field(description="Addresses are made anew whenever the run is read.")

    @classmethod
    def of(cls, run: Run, downloads: Sequence[Download] = ()) -> Self:
        """Show a run."""
        return cls(
            id=run.id,
            report_id=run.report_id,
            state=run.state,
            scheduled=run.scheduled,
            at=run.at,
            from_=run.start,
            to=run.end,
            rows=run.rows,
            created_at=run.created_at,
            finished_at=run.finished_at,
            expires_at=run.expires_at,
            failure=run.failure,
            files=[
                FileOut(
                    format=download.file.format,
                    name=download.file.name,
                    size=download.file.size,
                    url=download.url,
                    url_expires_at=download.expires_at,
                )
                for download in downloads
            ],
        )


class RunPageOut(Model):
    """Some runs, the latest first. `next_cursor` asks for the following ones; null at the end."""

    data: Sequence[RunOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Made[Run]) -> Self:
        """Show a page; addresses of files are shown with single runs."""
        return cls(data=[RunOut.of(run) for run in page.data], next_cursor=cursor_after_moment(page.last))
