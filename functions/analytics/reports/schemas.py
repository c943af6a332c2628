"""Bodies of reports and their runs."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from analytics.querying.models import Filter, Interval, Metric, Order
from analytics.querying.schemas import FilterIn, Grouping, OrderIn, Text
from analytics.reports.models import (
    ChartKind,
    Definition,
    Format,
    Inquiry,
    Recipients,
    Report,
    Visibility,
)
from analytics.reports.ports import Made
from analytics.reports.ranges import RelativeRange
from analytics.reports.schedules import Every, Schedule
from llmo_auth.principal import ActorType
from llmo_core.fields import Flag, Name
from llmo_core.model import Model
from llmo_core.paging import cursor_after_moment

_MOST_FILTERS: Final = 13
_EXAMPLE: Final[JsonDict] = {
    "name": "Spend by model",
    "question": {
        "metrics": ["cost_usd", "requests"],
        "dimensions": ["model"],
        "interval": "day",
        "range": "previous_month",
        "time_zone": "Europe/Berlin",
    },
    "chart": "stacked_bar",
    "formats": ["pdf", "csv"],
    "visibility": "organization",
    "recipients": {"addresses": ["finance@example.org"]},
    "schedule": {"every": "month", "day": 1, "at": "08:00", "time_zone": "Europe/Berlin"},
}


def _once[T](given: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(given))


def _deliverable(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise ValueError("this is no e-mail address")
    return address


_ADDRESS = re.compile(r"[^\s\x00-\x1f\x7f-\x9f@<>()\[\]\\,;:\"]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
type Address = Annotated[str, StringConstraints(max_length=254), AfterValidator(_deliverable)]


class InquiryIn(Model):
    """What is asked: as in `POST /query`, over a range that is relative to when the report is run."""

    metrics: Annotated[tuple[Metric, ...], Field(min_length=1, max_length=len(Metric)), AfterValidator(_once)]
    dimensions: Grouping = ()
    filters: Annotated[tuple[FilterIn, ...], Field(max_length=_MOST_FILTERS)] = ()
    interval: Interval | Literal["auto"] | None = None
    range: RelativeRange = Field(RelativeRange.LAST_30_DAYS, description="In whole days of `time_zone`.")
    time_zone: Text = Field("UTC", description="IANA's name.", examples=["Europe/Berlin"])
    order_by: OrderIn | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1000

    def inquiry(self) -> Inquiry:
        """As the use case takes it."""
        automatic = self.interval == "auto"
        return Inquiry(
            metrics=self.metrics,
            dimensions=self.dimensions,
            filters=tuple(Filter(dimension=each.dimension, values=each.values) for each in self.filters),
            interval=None if self.interval == "auto" else self.interval,
            auto_interval=automatic,
            range=self.range,
            time_zone=self.time_zone,
            order=Order(**self.order_by.model_dump()) if self.order_by else None,
            limit=self.limit,
        )

    @classmethod
    def of(cls, inquiry: Inquiry) -> Self:
        """Show a question."""
        return cls(
            metrics=inquiry.metrics,
            dimensions=inquiry.dimensions,
            filters=tuple(FilterIn(dimension=each.dimension, values=each.values) for each in inquiry.filters),
            interval="auto" if inquiry.auto_interval else inquiry.interval,
            range=inquiry.range,
            time_zone=inquiry.time_zone,
            order_by=OrderIn(**inquiry.order.model_dump()) if inquiry.order else None,
            limit=inquiry.limit,
        )


class ScheduleIn(Model):
    """When a report is run.

    What is due in the hour that is skipped in spring is due as much later as the clock jumps, and what is due in the
    hour that comes twice in autumn is due the first time. A month without the day has its last one instead.
    """

    every: Every
    at: Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = Field(
        description="The local time.", examples=["08:00"]
    )
    weekday: Annotated[int, Field(strict=True, ge=1, le=7)] | None = Field(
        None, description="With `week`: 1 is Monday, 7 is Sunday; Monday when left out."
    )
    day: Annotated[int, Field(strict=True, ge=1, le=31)] | None = Field(
        None, description="With `month`: its day; the first when left out."
    )
    time_zone: Text = "UTC"
    enabled: Flag = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.weekday is not None and self.every is not Every.WEEK:
            raise ValueError("only weeks have a weekday")
        if self.day is not None and self.every is not Every.MONTH:
            raise ValueError("only months have a day")
        return self


class RecipientsIn(Model):
    """Who is mailed a link when the report is ready. Members who left get none."""

    user_ids: Annotated[tuple[UUID, ...], Field(max_length=50), AfterValidator(_once)] = ()
    addresses: Annotated[tuple[Address, ...], Field(max_length=20), AfterValidator(_once)] = ()


type Formats = Annotated[tuple[Format, ...], Field(min_length=1, max_length=len(Format)), AfterValidator(_once)]


class ReportIn(Model):
    """A report."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: Name
    question: InquiryIn
    chart: ChartKind = ChartKind.TABLE
    formats: Formats = (Format.PDF,)
    visibility: Visibility = Visibility.PRIVATE
    recipients: RecipientsIn = RecipientsIn()
    schedule: ScheduleIn | None = None

    def definition(self) -> Definition:
        """As the use case takes it."""
        return Definition(
            name=self.name,
            inquiry=self.question.inquiry(),
            chart=self.chart,
            formats=self.formats,
            visibility=self.visibility,
            recipients=Recipients(**self.recipients.model_dump()),
            schedule=Schedule(**self.schedule.model_dump()) if self.schedule else None,
        )


class ReportChange(Model):
    """What shall be another; what is left out stays. Without a `schedule` (null) it is run on demand only."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"visibility": "organization"}]})

    name: Name = Field(default_factory=str)
    question: InquiryIn = Field(default_factory=lambda: InquiryIn(metrics=(Metric.REQUESTS,)))
    chart: ChartKind = Field(default_factory=lambda: ChartKind.TABLE)
    formats: Formats = Field(default_factory=tuple)
    visibility: Visibility = Field(default_factory=lambda: Visibility.PRIVATE)
    recipients: RecipientsIn = Field(default_factory=RecipientsIn)
    schedule: ScheduleIn | None = Field(default_factory=lambda: None)

    def changed(self, definition: Definition) -> Definition:
        """A definition with what was given."""
        given: dict[str, Any] = {
            name: getattr(self, name) for name in self.model_fields_set & {"name", "chart", "formats", "visibility"}
        }
        if "question" in self.model_fields_set:
            given["inquiry"] = self.question.inquiry()
        if "recipients" in self.model_fields_set:
            given["recipients"] = Recipients(**self.recipients.model_dump())
        if "schedule" in self.model_fields_set:
            given["schedule"] = Schedule(**self.schedule.model_dump()) if self.schedule else None
        return definition.model_copy(update=given)


class ReportOut(Model):
    """A saved report."""

    id: UUID
    name: str
    question: InquiryIn
    chart: ChartKind
    formats: Sequence[Format]
    visibility: Visibility
    recipients: RecipientsIn
    schedule: ScheduleIn | None
    next_due_at: datetime | None
    owner_id: UUID
    owner_type: ActorType
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, report: Report) -> Self:
        """Show a report."""
        definition = report.definition
        return cls(
            id=report.id,
            name=definition.name,
            question=InquiryIn.of(definition.inquiry),
            chart=definition.chart,
            formats=definition.formats,
            visibility=definition.visibility,
            recipients=RecipientsIn.model_construct(**definition.recipients.model_dump()),  # taken in by other rules
            schedule=ScheduleIn(**definition.schedule.model_dump()) if definition.schedule else None,
            next_due_at=report.next_due_at,
            owner_id=report.owner_id,
            owner_type=report.owner_type,
            created_at=report.created_at,
            updated_at=report.updated_at,
        )


class ReportPageOut(Model):
    """Some reports, the latest first. `next_cursor` asks for the following ones; null at the end."""

    data: Sequence[ReportOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Made[Report]) -> Self:
        """Show a page."""
        return cls(data=[ReportOut.of(report) for report in page.data], next_cursor=cursor_after_moment(page.last))
