"""What the worker needs from outside, as ports."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from integration.gateway.deferral.finishing import Lines
from integration.gateway.deferral.models import Batch, Json, Line, ProviderBatch
from integration.gateway.destinations import Connection
from llmo_auth.api_key import ApiKey


class Batches(Protocol):
    """Where batches are kept."""

    async def find(self, org_id: UUID, batch_id: UUID, *, locked: bool = False) -> Batch | None:
        """A batch."""
        ...

    async def change(self, org_id: UUID, batch_id: UUID, **columns: object) -> None:
        """Change some columns of a batch."""
        ...

    async def waiting(self, org_id: UUID, project_id: UUID) -> tuple[int, int]:
        """How many batches of a project are open, and how many of their calls have no answer."""
        ...

    async def lease(self, org_id: UUID, batch_id: UUID, *, now: datetime, until: datetime) -> Batch | None:
        """The batch, for one worker until then; None when it has ended or another worker has it."""
        ...

    async def release(self, leased: Batch, *, until: datetime, wakes_at: datetime) -> None:
        """Let other workers have a batch from a moment on, or from the one that somebody else has set meanwhile."""
        ...

    async def open(self, *, now: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """The organizations and ids of batches that nobody works on although there is something to do."""
        ...


class Waiting(Lines, Protocol):
    """Lines that wait."""

    async def add(self, batch: Batch, lines: Sequence[Line]) -> None:
        """Keep a batch's lines."""
        ...

    async def waiting(self, batch: Batch, *, after: int, now: datetime, limit: int) -> Sequence[Line]:
        """The first lines behind a position whose calls can be made now."""
        ...

    async def left(self, batch: Batch) -> tuple[int, datetime | None]:
        """How many lines have no outcome, and when the first of those that wait can be tried again."""
        ...

    async def postpone(self, batch: Batch, line: Line, *, at: datetime, tries: int, cost_pico: int = 0) -> None:
        """Try a line again, not before a moment; and count what it was charged until now."""
        ...


class Keys(Protocol):
    """Keys by their ids."""

    async def find(self, key_id: UUID) -> ApiKey | None:
        """A key, whether it is valid or not; None when there is none any more."""
        ...


class ProviderBatches(Protocol):
    """Where batches at providers are kept."""

    async def add(self, batch: Batch, provider_batch: ProviderBatch, lines: Sequence[Line], *, now: datetime) -> None:
        """Keep a new one with its lines, whose cost is set aside."""
        ...

    async def open(self, batch: Batch) -> Sequence[ProviderBatch]:
        """Those of a batch that have not ended."""
        ...

    async def lines(self, batch: Batch, provider_batch: ProviderBatch) -> Sequence[Line]:
        """Its lines that have no outcome."""
        ...

    async def note(self, batch: Batch, provider_batch: ProviderBatch, **columns: object) -> None:
        """Keep what is known of it now: `file_id`, `provider_batch_id` or `ended_at`."""
        ...

    async def give_back(self, batch: Batch, provider_batch: ProviderBatch, *, alone: bool, now: datetime) -> None:
        """End it without any of its calls made; if `alone`, they are made one by one."""
        ...


class ProviderApi(Protocol):
    """A provider's files and batches. Everything raises the Upstream errors."""

    async def upload(self, connection: Connection | None, content: bytes) -> str:
        """The provider's id of a new file for a batch."""
        ...

    async def create(
        self, connection: Connection | None, file_id: str, endpoint: str, metadata: Mapping[str, str]
    ) -> str:
        """The provider's id of a new batch."""
        ...

    async def made_of(self, connection: Connection | None, file_id: str) -> str | None:
        """The provider's id of the batch that was made of a file, if it is among its last two thousand."""
        ...

    async def find(self, connection: Connection | None, batch_id: str) -> Json:
        """A batch as it is now."""
        ...

    async def cancel(self, connection: Connection | None, batch_id: str) -> None:
        """Have a batch cancelled."""
        ...

    def lines(self, connection: Connection | None, file_id: str) -> AsyncIterator[tuple[Json, int]]:
        """The objects in a file of JSON lines, with their bytes; without lines that are none or too long to be any."""
        ...
