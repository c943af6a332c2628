"""An export: what was asked for, how far it is, and its files."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from llmo_auth.principal import ActorType
from llmo_core.errors import Conflict, Invalid, NotFound, TooManyRequests
from llmo_core.model import Model
from llmo_messaging.envelope import Event

KEPT = timedelta(days=7)
LINKS_LAST = timedelta(minutes=55)  # an hour at most, whatever clocks differ by
MOST_UNDER_WAY = 5
REMEMBERED = timedelta(days=365)


class What(StrEnum):
    """What is exported: LLM calls, or events that the organization tracked itself."""

    USAGE = "usage"
    EVENTS = "events"


class Format(StrEnum):
    """What files are written as. Each part is a file of its own, with its own header where there is one."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


class State(StrEnum):
    """How far an export is. The files of one that is done are there for seven days; then it is expired."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Criteria(Model):
    """Only events that have all of these; `name` is of tracked events, the others are of calls."""

    project_id: UUID | None = None
    key_id: UUID | None = None
    model: str | None = None
    provider: str | None = None
    status: str | None = None
    route: str | None = None
    end_user: str | None = None
    tag: str | None = None
    name: str | None = None


class Order(Model):
    """Events of one organization that began in [start, end), in UTC."""

    what: What
    format: Format
    start: datetime
    end: datetime
    criteria: Criteria = Criteria()


class Position(Model):
    """The last event that was written: they are read in the order of moment and id."""

    at: datetime
    id: UUID


class Part(Model):
    """A file of an export.

    Attributes:
        key: Of its object in S3.
        size: In bytes.
    """

    key: str
    rows: int
    size: int


class Progress(Model):
    """How far an export is: everything up to `position` is in the parts, and nothing beyond it."""

    parts: tuple[Part, ...] = ()
    position: Position | None = None
    estimated_rows: int | None = None

    @property
    def rows(self) -> int:
        """How many events are in the files."""
        return sum(part.rows for part in self.parts)

    @property
    def size(self) -> int:
        """How many bytes the files have."""
        return sum(part.size for part in self.parts)


class Export(Model):
    """An export.

    Attributes:
        request_hash: Of the request that asked for it, where that had an Idempotency-Key.
        actor_id: Who asked for it.
        failure: Why it failed, for people.
        expires_at: When its files are gone; None before it is done.
    """

    id: UUID
    org_id: UUID
    request_hash: str | None
    actor_type: ActorType
    actor_id: UUID
    order: Order
    state: State
    progress: Progress = Progress()
    created_at: datetime
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    failure: str | None = None

    def at(self, now: datetime) -> "Export":
        """The export as it is at a moment: the files of one that is done may be gone."""
        gone = self.state is State.DONE and self.expires_at is not None and self.expires_at <= now
        return self.model_copy(update={"state": State.EXPIRED}) if gone else self


class Held(Model):
    """An export that a worker holds; see `analytics.leases`."""

    export: Export
    fence: int
    attempts: int


class ExportRequested(Event, name="llmo.analytics.export.requested"):
    """Somebody asked for an export: a worker may begin."""

    org_id: UUID
    export_id: UUID


class ExportCompleted(Event, name="llmo.analytics.export.completed"):
    """Somebody's export is done: who took what out of the platform."""

    org_id: UUID
    export_id: UUID
    actor_type: ActorType
    actor_id: UUID
    what: What
    format: Format
    start: datetime
    end: datetime
    rows: int
    size: int


class NoSuchExport(NotFound):
    """The organization has no export with this id."""


class ExportIsOver(Conflict):
    """The export is not under way any more."""


class TooManyExports(TooManyRequests):
    """Five exports of the organization are under way. Wait for one of them, or cancel it."""


class NoSuchCriterion(Invalid):
    """What is exported has no such criterion."""
