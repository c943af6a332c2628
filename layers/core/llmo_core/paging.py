"""Pages of lists that are ordered by id: a cursor stands for the last entry that was shown."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from uuid import UUID

from llmo_core.errors import Invalid


class MalformedCursor(Invalid):
    """The cursor is not one that this API gave out."""


def cursor_after(last: UUID | None) -> str | None:
    """Where the page after this entry starts, opaque to clients; None at the end."""
    return urlsafe_b64encode(last.bytes).decode().rstrip("=") if last is not None else None


def entry_before(cursor: str | None) -> UUID | None:
    """The entry that a cursor stands for, None at the beginning; raises MalformedCursor."""
    if cursor is None:
        return None
    try:
        return UUID(bytes=urlsafe_b64decode(cursor + "=="))
    except (ValueError, Base64Error) as error:
        raise MalformedCursor from error
