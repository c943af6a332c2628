"""Bodies and queries about contents of calls."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from integration.guarding.rules import Pii
from integration.management.fields import Subject
from integration.management.logs.models import ContentLogging, Contents, LoggedCall, Looked, Retention, Wish
from llmo_core.fields import Moment
from llmo_core.http.page_query import PageQuery
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after

type Name = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00]*$")]


class PutContentLogging(Model):
    """What a project wants kept of its calls: requests and answers, as texts."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"retention_days": 30, "redact": ["email", "phone"]}]})

    retention_days: Retention = Field(
        Retention.MONTH, description="How many days they are kept; then they are deleted."
    )
    redact: Annotated[list[Pii], Field(max_length=len(Pii))] = Field(
        default_factory=list, description="Kinds of personal data of which only a label is kept."
    )

    def wanted(self) -> Wish:
        """What is asked for."""
        return Wish(retention_days=self.retention_days, redact=frozenset(self.redact))


class ContentLoggingOut(Model):
    """What a project wants kept of its calls."""

    project_id: UUID
    retention_days: int
    redact: list[Pii]
    version: int
    updated_by: UUID
    updated_at: datetime

    @classmethod
    def of(cls, logging: ContentLogging) -> Self:
        """Show what a project wants."""
        return cls(**{**logging.model_dump(exclude={"org_id"}), "redact": sorted(logging.redact)})


class ContentLoggingPage(Model):
    """What projects want kept, by their ids. `next_cursor` asks for the following ones; null at the end."""

    data: list[ContentLoggingOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[ContentLogging]) -> Self:
        """Show a page."""
        return cls(data=[ContentLoggingOut.of(each) for each in page.data], next_cursor=cursor_after(page.last))


class Filters(Model):
    """Which calls are looked for."""

    project_id: UUID | None = None
    key_id: UUID | None = None
    request_id: Name | None = Field(None, description="The `x-request-id` of an answer.")
    model: Name | None = None
    status: Name | None = Field(None, description="`ok`, `error`, `aborted` or `blocked`.")
    end_user: Subject | None = None
    since: Moment | None = Field(None, description="Calls that began then or later.")
    until: Moment | None = Field(None, description="Calls that began before.")

    def looked(self) -> Looked:
        """What is looked for."""
        return Looked(**self.model_dump(include={*Looked.model_fields}))


class LogQuery(PageQuery, Filters):
    """Which calls are looked for, and which page of them."""


class ErasureQuery(Filters):
    """Which contents are erased: at least one filter says so."""

    @model_validator(mode="after")
    def _names_some(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError("name at least one filter: nothing erases everything at once")
        return self


class LogOut(Model):
    """A call whose contents are kept. The usage event of the call has the same `id`."""

    id: UUID
    project_id: UUID
    key_id: UUID
    request_id: str
    endpoint: str
    model: str
    status: str
    http_status: int
    end_user: str | None
    started_at: datetime
    redacted: bool = Field(description="Whether personal data was looked for and left out.")
    expires_at: datetime = Field(description="When its contents are deleted.")

    @classmethod
    def of(cls, call: LoggedCall) -> Self:
        """Show a call."""
        return cls(**call.model_dump(exclude={"org_id", "retention_days"}))


class LogPage(Model):
    """Calls whose contents are kept, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[LogOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[LoggedCall]) -> Self:
        """Show a page."""
        return cls(data=[LogOut.of(call) for call in page.data], next_cursor=cursor_after(page.last))


class LogWithContents(LogOut):
    """A call with what was said in it."""

    request: str | None = Field(description="What went to the provider, as JSON; null of what is not kept.")
    response: str | None = Field(
        description="What came back: JSON, or the events of a stream; null of nothing, and of what is not text."
    )
    cut: list[str] = Field(description="Those of the two of which only the beginning is kept.")

    @classmethod
    def with_contents(cls, call: LoggedCall, contents: Contents) -> Self:
        """Show a call with its contents."""
        return cls(**call.model_dump(exclude={"org_id", "retention_days"}), **contents.model_dump())


class Erased(Model):
    """How many contents were erased, and whether there are more of them: then ask again."""

    erased: int
    more: bool
