"""Files, batches and their lines, as OpenAI's API has them.

https://platform.openai.com/docs/api-reference/files/object, https://platform.openai.com/docs/api-reference/batch/object
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from integration.gateway.deferral_errors import NoSuchBatch, NoSuchFile

COMPLETION_WINDOW: Final = "24h"
WINDOW: Final = timedelta(hours=24)
KEPT: Final = timedelta(days=30)
"""How long files are kept; OpenAI's output files too."""
MOST_LINES: Final = 50_000  # https://platform.openai.com/docs/guides/batch
MOST_OPEN: Final = 10_000
"""So many batches of a project may be open at a time, and `MOST_WAITING` calls of them have no answer."""
MOST_WAITING: Final = 500_000
MOST_FILE_BYTES: Final = 10 * 1024**3
"""So many bytes may be kept of a project's files."""
_FILE: Final = "file-"
_BATCH: Final = "batch_"

type Json = dict[str, Any]


class Purpose(StrEnum):
    """What a file is for."""

    BATCH = "batch"
    BATCH_OUTPUT = "batch_output"


class Status(StrEnum):
    """How far a batch is."""

    VALIDATING = "validating"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


ENDED: Final = frozenset((Status.FAILED, Status.COMPLETED, Status.EXPIRED, Status.CANCELLED))


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose something is."""

    org_id: UUID
    project_id: UUID
    key_id: UUID


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file; its content is in the store of objects."""

    id: UUID
    org_id: UUID
    project_id: UUID
    key_id: UUID
    filename: str
    bytes: int
    purpose: Purpose
    created_at: datetime
    expires_at: datetime

    def shown(self) -> Json:
        """The file as OpenAI's API shows it."""
        return {
            "id": file_name(self.id),
            "object": "file",
            "bytes": self.bytes,
            "created_at": int(self.created_at.timestamp()),
            "expires_at": int(self.expires_at.timestamp()),
            "filename": self.filename,
            "purpose": self.purpose.value,
            "status": "processed",
        }


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch.

    Attributes:
        key_id: Whose calls its lines are.
        headers: Those of its request that count for each of its calls.
        single: Whether it is one call that was deferred by its header.
        errors: Why it failed.
        wakes_at: When there is something to do for it; None when it has ended.
    """

    id: UUID
    org_id: UUID
    project_id: UUID
    key_id: UUID
    endpoint: str
    input_file_id: UUID
    completion_window: str
    metadata: Mapping[str, str] | None
    headers: Mapping[str, str]
    single: bool
    status: Status
    created_at: datetime
    expires_at: datetime
    wakes_at: datetime | None
    output_file_id: UUID | None = None
    error_file_id: UUID | None = None
    errors: Sequence[Json] | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    cost_usd: Decimal = Decimal(0)
    in_progress_at: datetime | None = None
    finalizing_at: datetime | None = None
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    expired_at: datetime | None = None
    cancelling_at: datetime | None = None
    cancelled_at: datetime | None = None

    @property
    def owner(self) -> Owner:
        """Whose it is."""
        return Owner(self.org_id, self.project_id, self.key_id)

    def shown(self) -> Json:
        """The batch as OpenAI's API shows it."""
        times = ("in_progress", "expires", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
        return {
            "id": batch_name(self.id),
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": {"object": "list", "data": list(self.errors)} if self.errors else None,
            "input_file_id": file_name(self.input_file_id),
            "completion_window": self.completion_window,
            "status": self.status.value,
            "output_file_id": file_name(self.output_file_id) if self.output_file_id else None,
            "error_file_id": file_name(self.error_file_id) if self.error_file_id else None,
            "created_at": int(self.created_at.timestamp()),
            **{f"{time}_at": _seconds(getattr(self, f"{time}_at")) for time in times},
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "metadata": self.metadata,
        }


@dataclass(frozen=True, slots=True)
class Line:
    """A line that has no outcome yet.

    Attributes:
        call_id: Of its request, its hold and its usage event.
        body: Of its call, as JSON.
        tries: How often its provider failed.
        held_at: Since when its cost is set aside for a batch of its provider.
        alone: Whether that took no batch.
    """

    position: int
    custom_id: str
    call_id: UUID
    body: str
    tries: int = 0
    held_at: datetime | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class ProviderBatch:
    """A batch at a provider that has batches of its own.

    Attributes:
        target: See stored_targets.
        file_id: The provider's id of its file, and `provider_batch_id` that of the batch, once they are known.
    """

    id: UUID
    target: Json
    file_id: str | None = None
    provider_batch_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a line: its line of the output or of the error file, and what it cost (pico-dollars)."""

    text: str
    failed: bool
    cost_pico: int = 0


def file_name(file_id: UUID) -> str:
    """The id of a file as clients see it."""
    return _FILE + file_id.hex


def batch_name(batch_id: UUID) -> str:
    """The id of a batch as clients see it."""
    return _BATCH + batch_id.hex


def file_id_of(name: str) -> UUID:
    """The id in a file's name. Raises NoSuchFile for what is none."""
    found = _id(name, _FILE)
    if found is None:
        raise NoSuchFile(name)
    return found


def batch_id_of(name: str) -> UUID:
    """The id in a batch's name. Raises NoSuchBatch for what is none."""
    found = _id(name, _BATCH)
    if found is None:
        raise NoSuchBatch(name)
    return found


def _id(name: str, prefix: str) -> UUID | None:
    digits = name.removeprefix(prefix)
    if not name.startswith(prefix) or len(digits) != len(UUID(int=0).hex):
        return None
    try:
        return UUID(hex=digits)
    except ValueError:
        return None


def _seconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp()) if moment is not None else None
