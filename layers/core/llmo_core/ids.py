"""Identifiers: UUID version 7 (RFC 9562), so that rows and events sort by the time they were made."""

import uuid
from collections.abc import Callable

import uuid_utils

type NewId = Callable[[], uuid.UUID]


def new_id() -> uuid.UUID:
    """A new time-ordered identifier."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


def new_id_text() -> str:
    """A new time-ordered identifier in its canonical text form; cheaper than `str(new_id())`."""
    return str(uuid_utils.uuid7())
