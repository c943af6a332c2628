"""Bodies about topics."""

from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from llmo_core.fields import Moment
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after
from notification.topics.models import NewTopic, OfferedTopic, Subscriber, Topic

EXAMPLE: Final[dict[str, Any]] = {
    "code": "maintenance",
    "name": "Maintenance",
    "description": "When the platform is not reachable.",
}


class CreateTopic(NewTopic):
    """A topic to be made."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    def wanted(self) -> NewTopic:
        """What is asked for."""
        return NewTopic(**dict(self))


class TopicOut(NewTopic):
    """A topic."""

    id: UUID
    created_by: UUID
    created_at: Moment

    @classmethod
    def of(cls, topic: Topic) -> Self:
        """Show a topic."""
        return cls(**topic.model_dump(exclude={"org_id"}))


class TopicPage(Model):
    """Some topics, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[TopicOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Topic]) -> Self:
        """Show a page."""
        return cls(data=[TopicOut.of(topic) for topic in page.data], next_cursor=cursor_after(page.last))


class OfferedTopicOut(NewTopic):
    """A topic as a member sees it."""

    subscribed: Annotated[bool, Field(description="Whether the caller is told of it.")]

    @classmethod
    def of(cls, topic: OfferedTopic) -> Self:
        """Show a topic."""
        return cls(**topic.model_dump(include={*cls.model_fields}))


class OfferedTopicPage(Model):
    """Some topics, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[OfferedTopicOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[OfferedTopic]) -> Self:
        """Show a page."""
        return cls(data=[OfferedTopicOut.of(topic) for topic in page.data], next_cursor=cursor_after(page.last))


class SubscriberOut(Model):
    """A member who is told of a topic."""

    user_id: UUID
    created_at: Annotated[Moment, Field(description="Since when.")]


class SubscriberPage(Model):
    """Some subscribers. `next_cursor` asks for the following ones; null at the end."""

    data: list[SubscriberOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Subscriber]) -> Self:
        """Show a page."""
        data = [SubscriberOut(user_id=each.id, created_at=each.created_at) for each in page.data]
        return cls(data=data, next_cursor=cursor_after(page.last))
