"""Identifiers: UUID version 7 (RFC 9562), so that rows and events sort by the time they were made."""

import uuid
from collections.abc import Callable

import uuid_utils

from llmo_core.snapshots import renewed_after_restore

type NewId = Callable[[], uuid.UUID]

renewed_after_restore(uuid_utils.reseed_rng)  # else two processes would make the same ids


def new_id() -> uuid.UUID:
    """A new time-ordered identifier."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


def new_id_text() -> str:
    """A new time-ordered identifier in its canonical text form; cheaper than `str(new_id())`."""
    return str(uuid_utils.uuid7())
