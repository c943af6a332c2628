"""Bodies about notifications and messages."""

import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import Field, JsonValue, StringConstraints, field_validator, model_validator

from llmo_core.fields import Moment
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after
from notification.fields import Code, EmailAddress, PhoneNumber
from notification.kinds.models import Address, Audience, Category, Channel, Priority
from notification.models import Status
from notification.planning.models import MOST_RECIPIENTS, Notification, NotificationStatus
from notification.requests.models import Listed, NewNotification, Progress

MOST_IN_A_BATCH: Final = 100
_MOST_BYTES: Final = 64 * 1024
EXAMPLES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "users": {
            "summary": "Two colleagues, by mail and in the inbox",
            "value": {
                "to": {"user_ids": ["01980a5e-7c00-7000-8000-000000000001", "01980a5e-7c00-7000-8000-000000000002"]},
                "variables": {"title": "Maintenance on Sunday", "text": "The API is down from 2:00 to 2:15 UTC."},
            },
        },
        "roles": {
            "summary": "Everybody who administers the organization, tomorrow, in the inbox only",
            "value": {
                "to": {"roles": ["owner", "admin"]},
                "channels": ["in_app"],
                "variables": {"title": "Budgets are due", "text": "Please review next month's.", "url": "/budgets"},
                "send_at": "2026-12-01T08:00:00Z",
                "key": "budgets-2026-12",
            },
        },
        "topic": {
            "summary": "Whoever has subscribed to a topic, with a template of the organization's own",
            "value": {"to": {"topic": "releases"}, "kind": "custom.release", "variables": {"version": "2.1"}},
        },
    }
)

type Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
type KindName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]


class To(Model):
    """Whom it is for: a topic alone, or everybody that the other lists name, each once."""

    user_ids: Annotated[tuple[UUID, ...], Field(max_length=MOST_RECIPIENTS)] = ()
    roles: Annotated[tuple[Code, ...], Field(max_length=50, description="Roles of members.")] = ()
    emails: Annotated[
        tuple[EmailAddress, ...],
        Field(max_length=MOST_RECIPIENTS, description="Of people without an account: for the operator only."),
    ] = ()
    phones: Annotated[tuple[PhoneNumber, ...], Field(max_length=MOST_RECIPIENTS, description="Likewise.")] = ()
    topic: Code | None = None

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        listed = len(self.user_ids) + len(self.emails) + len(self.phones)
        if self.topic is not None and (listed or self.roles):
            raise ValueError("a topic stands alone")
        if self.topic is None and not listed and not self.roles:
            raise ValueError("name somebody: user_ids, roles, emails, phones, or a topic")
        if listed > MOST_RECIPIENTS:
            raise ValueError(f"at most {MOST_RECIPIENTS} recipients are listed; a topic has any number of them")
        return self

    def audience(self) -> Audience:
        """Whom it names."""
        return Audience(
            user_ids=tuple(dict.fromkeys(self.user_ids)),
            roles=self.roles,
            addresses=tuple(Address(email=email) for email in dict.fromkeys(self.emails)),
            phones=tuple(dict.fromkeys(self.phones)),
            topic=self.topic,
        )


class SendNotification(Model):
    """What somebody is to be told.

    Of kind `message` the variables are `title`, `text` and, if it leads somewhere, `url`; kinds of the organization's
    own (`custom.*`) have those that their templates declare.
    """

    to: To
    kind: KindName = "message"
    category: Category = Category.UPDATES
    variables: dict[Annotated[Text, Field(max_length=100)], JsonValue]
    channels: Annotated[tuple[Channel, ...] | None, Field(min_length=1, max_length=4)] = None
    send_at: Annotated[Moment | None, Field(description="At once where it is left out; a year ahead at most.")] = None
    key: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=255,
            description="Of notifications with the same key only the first is sent, ever; the answer is about it.",
        ),
    ] = None

    @field_validator("variables")
    @classmethod
    def _bounded(cls, variables: dict[str, JsonValue]) -> dict[str, JsonValue]:
        text = json.dumps(variables, ensure_ascii=False, allow_nan=False)
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            raise ValueError("texts hold no halves of surrogate pairs") from error
        if size > _MOST_BYTES:
            raise ValueError(f"variables have {_MOST_BYTES // 1024} KiB at most")
        if "\\u0000" in text:
            raise ValueError("texts hold no NUL")
        if any(name.startswith("_") for name in variables):
            raise ValueError("names of variables begin with a letter")
        return variables

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.kind != "message":
            return self
        title, text, url = (self.variables.get(name) for name in ("title", "text", "url"))
        if not (isinstance(title, str) and title.strip() and isinstance(text, str)):
            raise ValueError("a message has the variables `title` and `text`, which are texts")
        if not (url is None or (isinstance(url, str) and url.startswith(("/", "https://")))):
            raise ValueError("`url` is a path or begins with https://")
        if surplus := self.variables.keys() - {"title", "text", "url"}:
            raise ValueError(f"a message has no variable `{min(surplus)}`")
        return self

    def new(self) -> NewNotification:
        """What is asked for."""
        variables = {"url": None, **self.variables} if self.kind == "message" else self.variables
        return NewNotification(
            kind=self.kind,
            category=self.category,
            audience=self.to.audience(),
            variables=variables,
            channels=tuple(dict.fromkeys(self.channels)) if self.channels is not None else None,
            send_at=self.send_at,
            key=self.key,
        )


class SendBatch(Model):
    """Several notifications: all of them are taken, or none."""

    notifications: Annotated[tuple[SendNotification, ...], Field(min_length=1, max_length=MOST_IN_A_BATCH)]


class NotificationOut(Model):
    """A notification. `recipients` counts whom messages were planned for by now."""

    id: UUID
    kind: str
    category: Category
    priority: Annotated[str, Field(description="`critical`, `normal` or `bulk`: what goes first.")]
    channels: tuple[Channel, ...]
    status: NotificationStatus
    send_at: datetime
    recipients: int
    created_at: datetime
    finished_at: datetime | None
    failure: Annotated[str | None, Field(description="Why it could not be planned, the last time.")]

    @classmethod
    def of(cls, notification: Notification | Listed) -> Self:
        """Show a notification."""
        return cls(**_shown(notification))


class ProgressOut(NotificationOut):
    """A notification, and how many of its messages are how far."""

    messages: dict[Status, int]

    @classmethod
    def with_messages(cls, progress: Progress) -> Self:
        """Show a notification with the progress of its messages."""
        return cls(**_shown(progress.notification), messages=dict(progress.messages))


class NotificationPage(Model):
    """Some notifications, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[NotificationOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Listed]) -> Self:
        """Show a page."""
        return cls(data=[NotificationOut.of(each) for each in page.data], next_cursor=cursor_after(page.last))


class BatchOut(Model):
    """What was taken, in the order of the request."""

    data: list[NotificationOut]


def _shown(notification: Notification | Listed) -> dict[str, Any]:
    shown = notification.model_dump(include=set(NotificationOut.model_fields) - {"priority"})
    return {**shown, "priority": Priority(notification.priority).name.lower()}
