"""What reports need."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self
from uuid import UUID

from analytics.querying.models import Answer, Question
from analytics.reports.models import Definition, File, Format, HeldRun, Report, Run

type Place = tuple[datetime, UUID]
"""Where in a list something stands: when it was made, and its id."""


class _Made(Protocol):
    @property
    def id(self) -> UUID: ...

    @property
    def created_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Made[T: _Made]:
    """Some things of a list, the latest first.

    Attributes:
        last: What the next page starts after; None at the end.
    """

    data: Sequence[T]
    last: Place | None

    @classmethod
    def of(cls, found: Sequence[T], limit: int) -> Self:
        """A page of `limit` things at most, of which one more was looked for."""
        last = found[limit - 1] if len(found) > limit else None
        return cls(found[:limit], (last.created_at, last.id) if last is not None else None)


class Reports(Protocol):
    """Saved reports. A viewer sees what is the organization's, and their own. Everything raises StoreUnavailable."""

    async def add(self, report: Report) -> tuple[Report, bool]:
        """Keep a report; the one that is there already, where its id is known. Whether it was added."""
        ...

    async def count(self, org_id: UUID) -> int:
        """How many the organization has; counted up to 201."""
        ...

    async def find(self, org_id: UUID, report_id: UUID, viewer: UUID) -> Report:
        """One that the viewer may see. Raises NoSuchReport."""
        ...

    async def page(self, org_id: UUID, viewer: UUID, *, before: Place | None, limit: int) -> Made[Report]:
        """Those that the viewer may see, the latest first."""
        ...

    async def change(self, report: Report, *, from_version: int) -> bool:
        """Keep a changed report, unless somebody else changed it since that version; whether it was kept."""
        ...

    async def remove(self, report: Report, *, version: int) -> bool:
        """Delete a report of that version; whether it was."""
        ...


class DueReports(Protocol):
    """Reports as the schedule sees them. Everything raises StoreUnavailable."""

    async def due(self, *, now: datetime, limit: int) -> Sequence[Report]:
        """Some whose time has come, the longest waiting first."""
        ...

    async def planned(self, report: Report, next_due_at: datetime | None) -> None:
        """Note when it is due next, unless it was changed meanwhile."""
        ...

    async def private_of(self, org_id: UUID, owner_id: UUID) -> Sequence[UUID]:
        """What only its owner sees."""
        ...

    async def all_of(self, org_id: UUID) -> Sequence[UUID]:
        """The reports of an organization."""
        ...

    async def forget_private(self, org_id: UUID, owner_id: UUID, report_ids: Sequence[UUID]) -> None:
        """Delete those of some reports that only their owner sees."""
        ...

    async def forget(self, org_id: UUID, report_ids: Sequence[UUID]) -> None:
        """Delete reports."""
        ...


class LiveReports(Protocol):
    """Reports as a worker sees them. Everything raises StoreUnavailable."""

    async def exists(self, org_id: UUID, report_id: UUID) -> bool:
        """Whether the report is there (still)."""
        ...


class Runs(Protocol):
    """Runs as the API sees them. Everything raises StoreUnavailable."""

    async def add_asked(self, run: Run) -> tuple[Run, bool]:
        """Keep a run that was asked for; the one that is there already, where its id is known. Whether it was added.

        Raises TooManyRuns where five are under way, however many are asked for at once.
        """
        ...

    async def find(self, org_id: UUID, report_id: UUID, run_id: UUID) -> Run:
        """One of a report's. Raises NoSuchRun."""
        ...

    async def page(self, org_id: UUID, report_id: UUID, *, before: Place | None, limit: int) -> Made[Run]:
        """A report's, the latest first."""
        ...

    async def forget(self, org_id: UUID, report_ids: Sequence[UUID]) -> None:
        """Delete the runs of reports."""
        ...


class HeldRuns(Protocol):
    """Runs as a worker sees them. Everything raises StoreUnavailable."""

    async def add(self, run: Run) -> tuple[Run, bool]:
        """Keep a run of a schedule; the one that is there already, where its id is known. Whether it was added."""
        ...

    async def take(self, run_id: UUID, *, now: datetime) -> HeldRun | None:
        """Hold one that is under way and that nobody holds."""
        ...

    async def pause(self, held: HeldRun, *, now: datetime) -> None:
        """Let another worker go on in a minute; this was nobody's attempt."""
        ...

    async def finish(self, held: HeldRun, run: Run) -> bool:
        """Keep what came of it; False when it was not ours any more."""
        ...

    async def left(self, *, now: datetime, limit: int) -> Sequence[UUID]:
        """Some that are under way and that nobody holds."""
        ...

    async def unannounced(self, *, limit: int) -> Sequence[Run]:
        """Some that are over, and whose recipients were not told."""
        ...

    async def announced(self, run_id: UUID) -> None:
        """Note that they were told."""
        ...

    async def forget(self, org_id: UUID, report_ids: Sequence[UUID]) -> None:
        """Delete the runs of reports."""
        ...


class Answers(Protocol):
    """Answers questions; see `analytics.querying.service`."""

    async def ask(self, question: Question) -> Answer:
        """What was asked for. Raises what makes no sense (Invalid), and Unavailable."""
        ...


class Writer(Protocol):
    """Writes answers as files."""

    def write(self, kind: Format, definition: Definition, answer: Answer, *, made_at: datetime) -> bytes:
        """A file: the same bytes for the same answer."""
        ...


class Files(Protocol):
    """Where the files of runs are. Everything raises ObjectsUnavailable."""

    async def put(self, kind: Format, key: str, content: bytes) -> None:
        """Keep a file; safe to repeat."""
        ...

    async def link(self, file: File, *, seconds: int) -> str:
        """An address from which a file can be fetched for so long."""
        ...


class Announcements(Protocol):
    """Tells the platform. All raise PublishFailed."""

    async def requested(self, run: Run) -> None:
        """A worker may begin; safe to repeat."""
        ...

    async def ready(self, run: Run, url: str, expires_at: datetime) -> None:
        """The recipients may fetch it; every repetition is the same event."""
        ...

    async def failed(self, run: Run) -> None:
        """The recipients wait in vain; every repetition is the same event."""
        ...
