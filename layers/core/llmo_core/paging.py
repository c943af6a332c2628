"""Pages of lists: a cursor stands for the last entry that was shown, or for a position."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, Self
from uuid import UUID

from llmo_core.errors import Invalid

_POSITION_BYTES = 4
_MOMENT_BYTES = 8
_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class MalformedCursor(Invalid):
    """The cursor is not one that this API gave out."""


class Identified(Protocol):
    """Something that lists are ordered by the ids of."""

    @property
    def id(self) -> UUID:
        """Its own."""
        ...


@dataclass(frozen=True, slots=True)
class Page[T: Identified]:
    """Some of the things of a list, in its order.

    Attributes:
        last: What the next page starts after; None at the end.
    """

    data: Sequence[T]
    last: UUID | None

    @classmethod
    def of(cls, found: Sequence[T], limit: int) -> Self:
        """A page of `limit` things at most, of which one more was looked for."""
        return cls(found[:limit], found[limit - 1].id if len(found) > limit else None)


def cursor_after(last: UUID | None) -> str | None:
    """Where the page after this entry starts, opaque to clients; None at the end."""
    return _text(last.bytes) if last is not None else None


def entry_before(cursor: str | None) -> UUID | None:
    """The entry that a cursor stands for, None at the beginning; raises MalformedCursor."""
    if cursor is None:
        return None
    try:
        return UUID(bytes=_bytes(cursor))
    except ValueError as error:
        raise MalformedCursor from error


def cursor_at(position: int | None) -> str | None:
    """Where a page starts of a list that is ordered by something that changes: 0 is its first entry; None at the end.

    Entries may move from one page to another meanwhile.
    """
    return _text(position.to_bytes(_POSITION_BYTES)) if position is not None else None


def position_of(cursor: str | None) -> int:
    """The position that a cursor stands for, 0 without one; raises MalformedCursor."""
    if cursor is None:
        return 0
    packed = _bytes(cursor)
    if len(packed) != _POSITION_BYTES:
        raise MalformedCursor
    return int.from_bytes(packed)


def cursor_after_moment(last: tuple[datetime, UUID] | None) -> str | None:
    """Where a page starts of a list that is ordered by moments, and at the same one by id; None at the end."""
    if last is None:
        return None
    moment, entry = last
    return _text(((moment - _EPOCH) // _MICROSECOND).to_bytes(_MOMENT_BYTES) + entry.bytes)


def moment_before(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The moment and the entry that a cursor stands for, None at the beginning; raises MalformedCursor."""
    if cursor is None:
        return None
    packed = _bytes(cursor)
    try:
        entry = UUID(bytes=packed[_MOMENT_BYTES:])
        return _EPOCH + timedelta(microseconds=int.from_bytes(packed[:_MOMENT_BYTES])), entry
    except (ValueError, OverflowError) as error:
        raise MalformedCursor from error


def _text(packed: bytes) -> str:
    return urlsafe_b64encode(packed).decode().rstrip("=")


def _bytes(cursor: str) -> bytes:
    try:
        return urlsafe_b64decode(cursor + "==")
    except (ValueError, Base64Error) as error:
        raise MalformedCursor from error
