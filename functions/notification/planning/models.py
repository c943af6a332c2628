"""Notifications, and the messages that are planned for them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

from pydantic import Field

from llmo_core.fields import Moment
from llmo_core.model import Model
from llmo_messaging.envelope import Event
from notification.kinds.models import Audience, Category, Channel, Priority

KEPT: Final = timedelta(days=90)
"""How long notifications and messages are kept."""
SECRETS: Final = frozenset({"token", "code"})
"""Variables that open something: nothing is kept of them once the message is sent."""
_WORTH: Final = {
    Priority.CRITICAL: timedelta(days=1),
    Priority.NORMAL: timedelta(days=3),
    Priority.BULK: timedelta(days=3),
}
MOST_RECIPIENTS: Final = 10_000
"""Of one request that lists them. A topic has any number."""


class NotificationStatus(StrEnum):
    """How far a notification is."""

    SCHEDULED = "scheduled"
    PLANNING = "planning"
    PLANNED = "planned"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Waiting(NamedTuple):
    """A notification that is to be planned, and whose it is."""

    org_id: UUID | None
    notification_id: UUID


class Notification(Model):
    """What somebody is to be told.

    Attributes:
        org_id: Whose it is; None of one about a person.
        channels: On which it goes, unless somebody chose otherwise.
        dedupe_key: Of those with the same in an organization only the first one is kept.
        planned_after: The last recipient whose messages are planned, in the words of `Recipients`; empty at first.
        failures: How often in a row planning it came no further: it failed, or the planner died.
        failure: Why it came to none, the last time.
        departing: Whether nothing of whom it is for is kept once it was sent: they leave, or have left.
    """

    id: UUID
    org_id: UUID | None
    kind: str
    category: Category
    priority: Priority
    channels: tuple[Channel, ...]
    audience: Audience
    variables: Mapping[str, Any] = Field(repr=False)
    dedupe_key: str
    status: NotificationStatus
    send_at: Moment
    planned_after: str = ""
    recipients: int = 0
    failures: int = 0
    failure: str | None = None
    departing: bool = False
    created_by: UUID | None = None
    created_at: Moment
    finished_at: Moment | None = None
    expires_at: Moment

    @property
    def critical(self) -> bool:
        """Whether nobody can mute it."""
        return self.priority is Priority.CRITICAL

    def give_up_at(self) -> datetime:
        """When it is worth nothing any more: what it tells of has expired, or everybody knows by now."""
        latest = self.send_at + _WORTH[self.priority]
        told = _moment(self.variables.get("expires_at")) if SECRETS & self.variables.keys() else None
        return min(latest, max(told, self.send_at)) if told is not None else latest


class Recipient(Model):
    """Somebody whom a notification is for.

    Attributes:
        key: What orders their messages, and tells them from others: the user's id, or the address.
        email: Where mails go; of somebody with an account it is the account's.
        departed: Whether the account is gone by now.
    """

    key: str
    user_id: UUID | None = None
    email: str | None = None
    phone: str | None = None
    name: str | None = None
    organization: str | None = None
    departed: bool = False


class Planned(Model):
    """A message for somebody on a channel.

    Attributes:
        address: None in the inbox, and of what is skipped.
        planned_for: When it is sent.
        digest: The digest that it becomes a part of then.
        unless_read: Whether it is sent only to who has not read the notification in the inbox by then.
        skipped: Why it is not sent at all.
    """

    channel: Channel
    address: str | None = Field(default=None, repr=False)
    planned_for: Moment
    digest: str | None = None
    unless_read: bool = False
    skipped: str | None = None


class Route(Model):
    """On which channels somebody gets a notification, in which language and whose time."""

    locale: str
    time_zone: str
    messages: tuple[Planned, ...]


class NotificationRequested(Event, name="llmo.notification.notification.requested"):
    """Somebody asked that others be told something; it is due."""

    notification_id: UUID


class EmailQueued(Event, name="llmo.notification.email.queued"):
    """Mails are due."""

    notification_id: UUID


class SmsQueued(Event, name="llmo.notification.sms.queued"):
    """Text messages are due."""

    notification_id: UUID


class PushQueued(Event, name="llmo.notification.push.queued"):
    """Push notifications are due."""

    notification_id: UUID


QUEUED: Final[Mapping[Channel, type[EmailQueued] | type[SmsQueued] | type[PushQueued]]] = {
    Channel.EMAIL: EmailQueued,
    Channel.SMS: SmsQueued,
    Channel.PUSH: PushQueued,
}


def _moment(told: object) -> datetime | None:
    """When a variable says so. An organization's own may say anything, which is then no moment."""
    try:
        moment = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
