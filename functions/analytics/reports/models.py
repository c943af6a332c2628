"""A report: what is asked, how it is shown, who gets it and when; and its runs."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from analytics.querying.models import Filter, Interval, Metric, Order, Question, all_hold
from analytics.querying.steps import chosen_interval, zone
from analytics.reports.ranges import RelativeRange, resolved
from analytics.reports.schedules import Schedule
from analytics.usage.models import Dimension
from llmo_auth.principal import ActorType
from llmo_core.errors import Conflict, Forbidden, Invalid, NotFound, Stale, TooManyRequests
from llmo_core.model import Model

KEPT: Final = timedelta(days=7)
LINKS_LAST: Final = timedelta(minutes=55)  # an hour at most, whatever clocks differ by
MOST_REPORTS: Final = 200
MOST_UNDER_WAY: Final = 5
REMEMBERED: Final = timedelta(days=90)


class ChartKind(StrEnum):
    """How an answer is drawn; `table` is no drawing. The first metric is what is drawn."""

    LINE = "line"
    BAR = "bar"
    STACKED_BAR = "stacked_bar"
    TABLE = "table"


class Format(StrEnum):
    """What a report is written as. The order is the one in which a mail's link is chosen."""

    PDF = "pdf"
    PNG = "png"
    CSV = "csv"
    PARQUET = "parquet"


class Visibility(StrEnum):
    """Who sees a report: whose it is, or everybody in the organization who may read usage."""

    PRIVATE = "private"
    ORGANIZATION = "organization"


class Inquiry(Model):
    """A question without its range: that is relative to when it is asked.

    Attributes:
        filters: As they were given; several of one dimension all hold.
        auto_interval: Whether the interval is chosen for at most 200 steps; `interval` is None then.
    """

    metrics: tuple[Metric, ...]
    dimensions: tuple[Dimension, ...] = ()
    filters: tuple[Filter, ...] = ()
    interval: Interval | None = None
    auto_interval: bool = False
    range: RelativeRange
    time_zone: str = "UTC"
    order: Order | None = None
    limit: int = 1000

    def question(self, org_id: UUID, *, at: datetime) -> Question:
        """The question as it is at a moment. Raises UnknownTimeZone."""
        start, end = resolved(self.range, at, zone(self.time_zone))
        return Question(
            org_id=org_id,
            start=start,
            end=end,
            metrics=self.metrics,
            dimensions=self.dimensions,
            filters=all_hold(self.filters),
            interval=chosen_interval(start, end) if self.auto_interval else self.interval,
            time_zone=self.time_zone,
            order=self.order,
            limit=self.limit,
        )

    @property
    def is_series(self) -> bool:
        """Whether the answer goes along time."""
        return self.auto_interval or self.interval is not None


class Recipients(Model):
    """Who is mailed a link: members, and anybody else by their address."""

    user_ids: tuple[UUID, ...] = ()
    addresses: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.user_ids or self.addresses)


class Definition(Model):
    """What somebody wants to see."""

    name: str
    inquiry: Inquiry
    chart: ChartKind
    formats: tuple[Format, ...]
    visibility: Visibility
    recipients: Recipients = Recipients()
    schedule: Schedule | None = None

    def checked(self) -> "Definition":
        """The same. Raises NoChart, ChartNeedsInterval, UnknownTimeZone."""
        if self.chart is ChartKind.TABLE and Format.PNG in self.formats:
            raise NoChart
        if self.chart is ChartKind.LINE and not self.inquiry.is_series:
            raise ChartNeedsInterval
        zone(self.inquiry.time_zone)
        if self.schedule is not None:
            zone(self.schedule.time_zone)
        return self


class Report(Model):
    """A saved report.

    Attributes:
        version: Grows with each change.
        owner_id: Who made it: the only one who sees it while it is private.
        next_due_at: When the schedule runs it next; None where there is none, or where it is off.
    """

    id: UUID
    org_id: UUID
    request_hash: str | None
    owner_type: ActorType
    owner_id: UUID
    version: int
    definition: Definition
    next_due_at: datetime | None
    created_at: datetime
    updated_at: datetime


class RunState(StrEnum):
    """How far a run is. The files of one that is done are there for seven days; then it is expired."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


class File(Model):
    """A file of a run; `key` is that of its object in S3, `size` in bytes."""

    format: Format
    key: str
    name: str
    size: int


class Run(Model):
    """One answer to a report's question.

    Attributes:
        definition: As it was when the run was asked for.
        at: What the range is relative to: the moment that the schedule names, or that of the request.
        notify: Whether the recipients are told.
        start, end: What the range came to.
    """

    id: UUID
    org_id: UUID
    report_id: UUID
    request_hash: str | None
    definition: Definition
    at: datetime
    scheduled: bool
    notify: bool
    state: RunState
    created_at: datetime
    start: datetime | None = None
    end: datetime | None = None
    files: tuple[File, ...] = ()
    rows: int | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    failure: str | None = None

    def seen(self, now: datetime) -> "Run":
        """The run as it is at a moment: the files of one that is done may be gone."""
        gone = self.state is RunState.DONE and self.expires_at is not None and self.expires_at <= now
        return self.model_copy(update={"state": RunState.EXPIRED}) if gone else self


class HeldRun(Model):
    """A run that a worker holds; see `analytics.leases`."""

    run: Run
    fence: int
    attempts: int


class NoSuchReport(NotFound):
    """The organization has no report with this id that you may see."""


class NoSuchRun(NotFound):
    """The report has no run with this id."""


class NotYourReport(Forbidden):
    """Only whoever made a report can make it private."""


class ReportChanged(Stale):
    """Somebody changed the report meanwhile."""


class TooManyReports(Conflict):
    """An organization has 200 reports at most."""


class TooManyRuns(TooManyRequests):
    """Five runs that were asked for are under way in the organization. Wait for one of them."""


class NoChart(Invalid):
    """A table is no picture: choose another chart, or leave `png` out."""


class ChartNeedsInterval(Invalid):
    """A line goes along time: name an interval, or choose bars."""
