"""What was erased."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from llmo_core.model import Model

MOST_ERASED: Final = 50_000
"""Documents of a kind, by one request."""


class Part(Model):
    """Some of a person's documents, and the minutes that they are in."""

    ids: Sequence[UUID]
    minutes: frozenset[datetime]


class Erased(Model):
    """How much was erased by one request.

    Attributes:
        events: Tracked events that were deleted.
        calls: LLM calls that do not name the person any more; what they used and cost stays.
        rollups: Sums that do not name the person any more, of calls that may be gone by themselves.
        files: Of the organization's exports and reports, which may have named the person and were deleted.
        done: Whether nothing is left.
    """

    events: int
    calls: int
    rollups: int
    files: int
    done: bool
