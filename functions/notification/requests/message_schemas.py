"""Bodies about messages."""

from collections.abc import Sequence
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after
from notification.kinds.models import Channel
from notification.models import Status
from notification.requests.models import Attempt, Message, Receipt, Search
from notification.requests.schemas import KindName


class MessageOut(Message):
    """A message to one recipient on one channel.

    `address` is null in the inbox, on push, and once it was erased; of a phone number it has the last four digits.
    """

    @classmethod
    def of(cls, message: Message) -> Self:
        """Show a message."""
        return cls(**_as_seen(message))


class MessageWithHistoryOut(MessageOut):
    """A message with every attempt to send it, and what providers told of it."""

    attempt_log: list[Attempt]
    receipts: list[Receipt]

    @classmethod
    def with_history(cls, message: Message, attempts: Sequence[Attempt], receipts: Sequence[Receipt]) -> Self:
        """Show a message with its history."""
        return cls(**_as_seen(message), attempt_log=[*attempts], receipts=[*receipts])


class MessagePage(Model):
    """Some messages, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[MessageOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Message]) -> Self:
        """Show a page."""
        return cls(data=[MessageOut.of(each) for each in page.data], next_cursor=cursor_after(page.last))


class MessageQuery(Model):
    """Which messages, and which page of them."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: str | None = Field(None, description="The `next_cursor` of the page before.")
    notification_id: UUID | None = None
    user_id: UUID | None = None
    address: Annotated[str | None, Field(max_length=320, pattern=r"^[^\x00]*$")] = None
    channel: Channel | None = None
    status: Status | None = None
    kind: KindName | None = None

    def search(self) -> Search:
        """Which messages."""
        return Search.model_validate(self.model_dump(exclude={"limit", "cursor"}))


class Erase(Model):
    """Whose messages are to be forgotten: a user's, or those to an address."""

    user_id: UUID | None = None
    address: Annotated[str | None, Field(min_length=1, max_length=320, pattern=r"^[^\x00]*$")] = None

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if (self.user_id is None) == (self.address is None):
            raise ValueError("name either a user or an address")
        return self


class Erased(Model):
    """How many messages nothing is known of any more."""

    messages: int


def _as_seen(message: Message) -> dict[str, Any]:
    """What colleagues see: a phone is its owner's own affair, and what opens a device nobody's."""
    match message.channel:
        case Channel.SMS if message.address is not None:
            return {**dict(message), "address": f"…{message.address[-4:]}"}
        case Channel.PUSH:
            return {**dict(message), "address": None}
    return dict(message)
