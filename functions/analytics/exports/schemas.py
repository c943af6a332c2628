"""Bodies of exports."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from analytics.exports.models import Criteria, Export, Format, Order, State, What
from analytics.exports.ports import ExportPage
from analytics.exports.service import Download
from analytics.storage import kept
from analytics.usage.schemas import Moment
from llmo_auth.principal import ActorType
from llmo_core.model import Model
from llmo_core.paging import cursor_after_moment

type Text = Annotated[str, StringConstraints(min_length=1, max_length=512)]


class Filters(Model):
    """Only events that have all of these."""

    project_id: UUID | None = None
    key_id: UUID | None = None
    model: Text | None = None
    provider: Text | None = None
    status: Text | None = None
    route: Text | None = None
    end_user: Text | None = Field(None, description="Calls whose `user` this was, or tracked events of this user.")
    tag: Text | None = Field(None, description="Calls with this tag of `x-llmo-tags`.", examples=["team=search"])
    name: Text | None = Field(None, description="Tracked events of this name.")


class ExportIn(Model):
    """What to export: events that began in [from, to), 366 days at most."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "examples": [{"what": "usage", "format": "csv", "from": "2026-10-01", "to": "2026-11-01", "filters": {}}]
        },
    )

    what: What = What.USAGE
    format: Format = Format.CSV
    from_: Moment = Field(alias="from", description="RFC 3339 or a UTC date.")
    to: Moment = Field(description="RFC 3339 or a UTC date; exclusive.")
    filters: Filters = Filters()

    def order(self) -> Order:
        """As the use case takes it."""
        criteria = Criteria(**self.filters.model_dump())
        return Order(
            what=self.what,
            format=self.format,
            start=in_milliseconds(self.from_),
            end=in_milliseconds(self.to),
            criteria=criteria,
        )


class FileOut(Model):
    """A file of an export, and an address for it that anybody who has it can use until `url_expires_at`."""

    name: str
    rows: int
    size: int = Field(description="In bytes.")
    url: str
    url_expires_at: datetime


class ExportOut(Model):
    """An export. What was written so far is in `rows` and `size`; `files` are there when it is done."""

    model_config = ConfigDict(populate_by_name=True)

    id: UUID
    what: What
    format: Format
    from_: datetime = Field(alias="from")
    to: datetime
    filters: Filters
    state: State
    rows: int
    estimated_rows: int | None = Field(description="How many rows there were when it began; null where unknown.")
    size: int = Field(description="In bytes.")
    requested_by: UUID
    requested_by_type: ActorType
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None = Field(description="When the files are gone.")
    failure: str | None
    files: Sequence[FileOut] = Field(description="Addresses are made anew whenever the export is read.")

    @classmethod
    def of(cls, export: Export, downloads: Sequence[Download] = ()) -> Self:
        """Show an export."""
        order, progress = export.order, export.progress
        return cls(
            id=export.id,
            what=order.what,
            format=order.format,
            from_=order.start,
            to=order.end,
            filters=Filters(**order.criteria.model_dump()),
            state=export.state,
            rows=progress.rows,
            estimated_rows=progress.estimated_rows,
            size=progress.size,
            requested_by=export.actor_id,
            requested_by_type=export.actor_type,
            created_at=export.created_at,
            finished_at=export.finished_at,
            expires_at=export.expires_at,
            failure=export.failure,
            files=[
                FileOut(
                    name=download.filename,
                    rows=download.part.rows,
                    size=download.part.size,
                    url=download.url,
                    url_expires_at=download.expires_at,
                )
                for download in downloads
            ],
        )


class ExportPageOut(Model):
    """Some exports, the latest first. `next_cursor` asks for the following ones; null at the end."""

    data: Sequence[ExportOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: ExportPage) -> Self:
        """Show a page; addresses of files are shown with single exports."""
        return cls(data=[ExportOut.of(export) for export in page.data], next_cursor=cursor_after_moment(page.last))


def in_milliseconds(moment: datetime) -> datetime:
    """A moment in UTC, as MongoDB keeps it."""
    return kept(moment.astimezone(UTC))
