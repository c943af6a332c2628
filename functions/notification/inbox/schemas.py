"""Bodies about the inbox."""

from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from llmo_core.fields import Moment
from llmo_core.http.page_query import PageQuery
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after
from notification.inbox.models import MOST_SEEN_AT_ONCE, Filter, InboxItem
from notification.kinds.models import Category

EXAMPLE: Final[dict[str, Any]] = {
    "id": "01980a5e-7c00-7000-8000-000000000a01",
    "org_id": "01980a5e-7c00-7000-8000-000000000001",
    "notification_id": "01980a5e-7c00-7000-8000-000000000b01",
    "kind": "budget_threshold",
    "category": "budgets",
    "title": "80 % of a budget are spent",
    "body": "search: $80.12 of $100",
    "url": "https://llmo.example/budgets",
    "created_at": "2026-11-28T12:00:00Z",
    "seen_at": None,
    "read_at": None,
    "archived_at": None,
    "expires_at": "2027-05-28T12:00:00Z",
}


class InboxQuery(PageQuery):
    """Which page of which items."""

    unread: bool = Field(default=False, description="Only what nobody opened.")
    archived: bool = Field(default=False, description="What was archived, in place of everything else.")
    category: Category | None = None

    def wanted(self) -> Filter:
        """Which items."""
        return Filter(unread=self.unread, archived=self.archived, category=self.category)


class ItemOut(Model):
    """Something in the inbox. `org_id` is null of what is about the person, `url` of what leads nowhere."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: UUID
    org_id: UUID | None
    notification_id: UUID
    kind: str
    category: Category
    title: str
    body: str
    url: str | None
    created_at: Moment
    seen_at: Annotated[Moment | None, Field(description="When it was shown in the list first.")]
    read_at: Annotated[Moment | None, Field(description="When it was opened.")]
    archived_at: Moment | None
    expires_at: Annotated[Moment, Field(description="When it is gone.")]

    @classmethod
    def of(cls, item: InboxItem) -> Self:
        """Show an item."""
        return cls(**item.model_dump(exclude={"user_id"}))


class InboxPage(Model):
    """Some items, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[ItemOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[InboxItem]) -> Self:
        """Show a page."""
        return cls(data=[ItemOut.of(item) for item in page.data], next_cursor=cursor_after(page.last))


class MarkSeen(Model):
    """Which items were shown."""

    ids: Annotated[
        frozenset[UUID], Field(min_length=1, max_length=MOST_SEEN_AT_ONCE, json_schema_extra={"uniqueItems": False})
    ]


class ReadAll(Model):
    """What is marked as read."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"until": "2026-11-28T12:00:00Z"}]})

    until: Annotated[
        Moment, Field(description="`created_at` of the newest item that was shown: what came later stays unread.")
    ]
    category: Category | None = None
