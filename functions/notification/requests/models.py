"""What is asked for, what is shown of it, and what can go wrong with it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from llmo_core.errors import Conflict, Forbidden, Invalid, NotFound
from llmo_core.model import Model
from notification.kinds.models import Audience, Category, Channel, Priority
from notification.models import Status
from notification.planning.models import Notification, NotificationStatus

MANY: Final = 100
"""Whatever goes to more than so many, in one request or one batch of them, is of the lowest priority."""
FURTHEST: Final = timedelta(days=365)
"""How far ahead something can be scheduled."""
PAST: Final = timedelta(days=1)
"""How long ago `send_at` may be: it was meant to be at once."""


class NewNotification(Model):
    """What somebody is to be told.

    Attributes:
        channels: None for those of the kind.
        send_at: None for now.
        key: Of those with the same key only the first one is sent; None makes each one another.
    """

    kind: str
    category: Category
    audience: Audience
    variables: Mapping[str, Any]
    channels: tuple[Channel, ...] | None = None
    send_at: datetime | None = None
    key: str | None = None


class Listed(Model):
    """A notification, as lists show it: without whom it is for and what it says."""

    id: UUID
    kind: str
    category: Category
    priority: Priority
    channels: tuple[Channel, ...]
    status: NotificationStatus
    send_at: datetime
    recipients: int
    created_at: datetime
    finished_at: datetime | None
    failure: str | None


class Progress(Model):
    """A notification, and how many of its messages are how far."""

    notification: Notification
    messages: Mapping[Status, int]


class Attempt(Model):
    """One try to send a message."""

    number: int
    provider: str
    started_at: datetime
    ended_at: datetime
    outcome: str
    provider_id: str | None
    reason: str | None


class Receipt(Model):
    """What a provider told of a message."""

    provider: str
    status: str
    reason: str | None
    occurred_at: datetime


class Message(Model):
    """A message, as its organization sees it."""

    id: UUID
    notification_id: UUID
    kind: str
    category: Category
    channel: Channel
    user_id: UUID | None
    address: str | None = Field(repr=False)
    locale: str
    status: Status
    reason: str | None
    planned_for: datetime
    due_at: datetime
    attempts: int
    provider: str | None
    provider_id: str | None
    cost: Decimal | None
    cost_currency: str | None
    created_at: datetime
    sent_at: datetime | None
    updated_at: datetime


class Search(Model):
    """Which messages somebody looks for; None is any."""

    notification_id: UUID | None = None
    user_id: UUID | None = None
    address: str | None = None
    channel: Channel | None = None
    status: Status | None = None
    kind: str | None = None


class UnknownNotification(NotFound):
    """The organization has no notification with this id."""


class UnknownMessage(NotFound):
    """The organization has no message with this id."""


class NotSendable(Invalid):
    """Notifications of this kind are sent by the platform itself."""


class OutsidersNotAllowed(Forbidden):
    """Only the organization that operates this deployment may write to addresses of people without an account."""


class CountryNotAllowed(Invalid):
    """Text messages are not sent to this country from here."""


class UnfittingTime(Invalid):
    """The notification is to be sent too far in the past or the future."""


class AlreadySent(Conflict):
    """It is too late: messages are on their way."""


class NotResendable(Conflict):
    """The message cannot be sent again: it still waits, or what it said is not kept any more."""
