"""What exports need."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self
from uuid import UUID

from analytics.exports.models import Export, Held, Order, Part, Position, Progress
from llmo_core.csv_cells import CellValue

type Place = tuple[datetime, UUID]
"""Where in a list an export stands: when it was asked for, and its id."""


@dataclass(frozen=True, slots=True)
class ExportPage:
    """Some exports, the latest first.

    Attributes:
        last: What the next page starts after; None at the end.
    """

    data: Sequence[Export]
    last: Place | None

    @classmethod
    def of(cls, found: Sequence[Export], limit: int) -> Self:
        """A page of `limit` exports at most, of which one more was looked for."""
        last = found[limit - 1] if len(found) > limit else None
        return cls(found[:limit], (last.created_at, last.id) if last is not None else None)


class Exports(Protocol):
    """Exports as the API sees them. Everything raises StoreUnavailable."""

    async def add(self, export: Export) -> tuple[Export, bool]:
        """Keep an export; the one that is there already, where its id is known. Whether it was added.

        Raises TooManyExports where five are under way, however many are asked for at once.
        """
        ...

    async def find(self, org_id: UUID, export_id: UUID) -> Export:
        """One of the organization's. Raises NoSuchExport."""
        ...

    async def page(self, org_id: UUID, *, before: Place | None, limit: int) -> ExportPage:
        """The organization's, the latest first."""
        ...

    async def cancel(self, org_id: UUID, export_id: UUID, *, now: datetime) -> Export:
        """Stop one that is under way; one that is cancelled stays so. Raises NoSuchExport, ExportIsOver."""
        ...


class HeldExports(Protocol):
    """Exports as a worker sees them. Everything raises StoreUnavailable."""

    async def take(self, export_id: UUID, *, now: datetime) -> Held | None:
        """Hold one that is under way and that nobody holds."""
        ...

    async def advance(self, held: Held, progress: Progress, *, now: datetime) -> bool:
        """Keep how far it is, and hold it for another while; False when it is not ours any more, or is cancelled."""
        ...

    async def give_back(self, held: Held) -> None:
        """Let another worker go on, at once."""
        ...

    async def pause(self, held: Held, *, now: datetime) -> None:
        """Let another worker go on in a minute; this was nobody's attempt."""
        ...

    async def finish(self, held: Held, *, now: datetime) -> bool:
        """Say that all of it is written; False when it was not ours any more."""
        ...

    async def fail(self, held: Held, reason: str, *, now: datetime) -> None:
        """Give it up."""
        ...

    async def left(self, *, now: datetime, limit: int) -> Sequence[UUID]:
        """Some that are under way and that nobody holds."""
        ...

    async def unannounced(self, *, limit: int) -> Sequence[Export]:
        """Some that are done, and that nobody was told of."""
        ...

    async def announced(self, export_id: UUID) -> None:
        """Note that it was told of."""
        ...


type Rows = Sequence[tuple[Position, Sequence[CellValue]]]
"""Events with their places, as the cells of a file's columns."""


class RawEvents(Protocol):
    """The events that an order is about, in the order of moment and id."""

    async def estimate(self, org_id: UUID, order: Order) -> int | None:
        """How many there are; None when that takes too long to count. Raises StoreUnavailable."""
        ...

    def batches(self, org_id: UUID, order: Order, *, after: Position | None, most: int) -> AsyncGenerator[Rows]:
        """The next events after a position, `most` at most, in batches. Raises StoreUnavailable and TooSlow."""
        ...


class TableFile(Protocol):
    """A file that rows are added to."""

    @property
    def size(self) -> int:
        """How many bytes of memory it takes."""
        ...

    def add(self, rows: Sequence[Sequence[CellValue]]) -> None:
        """Append rows."""
        ...

    def finished(self) -> bytes:
        """The whole file."""
        ...


class Files(Protocol):
    """Where the files of exports are kept. Everything raises ObjectsUnavailable."""

    async def put(self, order: Order, key: str, content: bytes) -> None:
        """Keep a file; safe to repeat."""
        ...


class Links(Protocol):
    """Gives addresses of files."""

    async def link(self, order: Order, part: Part, filename: str, *, seconds: int) -> str:
        """An address from which the file can be fetched for so long, under this name. Raises ObjectsUnavailable."""
        ...


class Announcements(Protocol):
    """Tells the platform. Both raise PublishFailed."""

    async def requested(self, export: Export) -> None:
        """A worker may begin; safe to repeat."""
        ...

    async def completed(self, export: Export) -> None:
        """It is done; every repetition is the same event."""
        ...
