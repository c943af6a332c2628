"""What lies in an inbox, and what one can do with it."""

from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator

from llmo_auth.principal import Person
from llmo_core.errors import NotFound
from llmo_core.fields import Moment
from llmo_core.model import Model
from notification.kinds.models import Category

MOST_SEEN_AT_ONCE: Final = 100


class UnknownItem(NotFound):
    """There is nothing with this id in your inbox."""


def _title(text: str) -> str:
    return _fitting(text, 500)


def _body(text: str) -> str:
    return _fitting(text, 10_000)


def _fitting(text: str, most: int) -> str:
    """As much of a text as the table holds; PostgreSQL's text holds no NUL."""
    text = text.replace("\x00", "")
    return text if len(text) <= most else text[: most - 1] + "…"


class InboxItem(Model):
    """Something in somebody's inbox.

    Attributes:
        org_id: The organization that it is about; None of what is about the person.
        url: Where it leads.
        seen_at: When it was shown in the list first.
        read_at: When it was opened; None again once it was marked as unread.
        expires_at: When it is gone.
    """

    id: UUID
    org_id: UUID | None
    user_id: UUID
    notification_id: UUID
    kind: str
    category: Category
    title: Annotated[str, AfterValidator(_title)]
    body: Annotated[str, AfterValidator(_body)]
    url: str | None
    created_at: Moment
    seen_at: Moment | None = None
    read_at: Moment | None = None
    archived_at: Moment | None = None
    expires_at: Moment


class Mark(StrEnum):
    """What is done with an item. What is read or archived was seen."""

    SEEN = "seen"
    READ = "read"
    UNREAD = "unread"
    ARCHIVED = "archived"
    UNARCHIVED = "unarchived"


class Whose(Model):
    """Whose inbox, and as a member of which organization they look at it.

    They see what is about that organization, and what is about themselves.
    """

    user_id: UUID
    org_id: UUID | None

    @classmethod
    def of(cls, person: Person) -> "Whose":
        """The caller's."""
        return cls(user_id=person.user_id, org_id=person.org_id)


class Filter(Model):
    """Which items are listed.

    Attributes:
        unread: Only those that nobody opened.
        archived: Those that were archived, and only them; else the others.
    """

    unread: bool = False
    archived: bool = False
    category: Category | None = None


class Counts(Model):
    """How many items nobody opened, and how many of them were never shown; of those that are not archived."""

    unread: int
    unseen: int
