"""Webhooks and what was delivered to them, and what can go wrong with them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from pydantic import Field, SecretStr

from integration.management.models import Versioned
from integration.webhook_messages.catalogue import EventType
from llmo_core.errors import Conflict, Invalid, NotFound
from llmo_core.model import Model
from llmo_messaging.envelope import Event

MOST_WEBHOOKS: Final = 20
OLD_SECRET_SIGNS_FOR: Final = timedelta(hours=24)


class StoredSecret(Model):
    """A signing secret as it is kept: sealed."""

    data_key: bytes = Field(repr=False)
    ciphertext: bytes = Field(repr=False)


class Webhook(Versioned):
    """Where an organization wants to be told of its events.

    Attributes:
        disabled_reason: Why nobody but its receiver disabled it: `gone` or `failing`.
        failing_since: The first failure after the last success; forgotten when everything that waited was given up.
        previous_secret: The one before the last rotation; it signs too until `previous_until`.
        created_by: A user, an API key or a service account.
    """

    id: UUID
    url: str
    description: str
    event_types: Sequence[EventType]
    enabled: bool = True
    disabled_reason: str | None = None
    failing_since: datetime | None = None
    secret: StoredSecret
    previous_secret: StoredSecret | None = None
    previous_until: datetime | None = None
    created_by: UUID
    created_at: datetime
    updated_at: datetime

    def changed(self, at: datetime, **values: object) -> "Webhook":
        """The next version, with these fields."""
        return self.model_copy(update={**values, "version": self.version + 1, "updated_at": at})

    def secrets(self, now: datetime) -> Sequence[StoredSecret]:
        """What signs now, the newest first."""
        if self.previous_secret is None or self.previous_until is None or now >= self.previous_until:
            return [self.secret]
        return [self.secret, self.previous_secret]


class WithSecret(Model):
    """A webhook, and its new signing secret, which is shown this once."""

    webhook: Webhook
    secret: SecretStr


class NewWebhook(Model):
    """What a webhook is made of."""

    url: str
    description: str = ""
    event_types: Sequence[EventType]
    enabled: bool = True


class WebhookChanges(Model):
    """What shall be another; what is not set stays."""

    url: str = ""
    description: str = ""
    event_types: Sequence[EventType] = ()
    enabled: bool = True


class Delivery(Model):
    """An event for a webhook, and what came of it.

    Attributes:
        event_id: What receivers see as `webhook-id`.
        status: `pending`, `delivered` or `failed`.
    """

    id: UUID
    webhook_id: UUID
    event_id: UUID
    event_type: str
    status: str
    attempts: int
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    last_status_code: int | None
    last_error: str | None
    created_at: datetime


class Tried(Model):
    """What came of a test event.

    Attributes:
        event_id: What the receiver saw as `webhook-id`.
        status: Of HTTP; None when there was no answer.
        problem: What is wrong, for people.
    """

    event_id: UUID
    delivered: bool
    status: int | None
    latency_ms: int
    problem: str | None


class WebhookCreated(Event, name="llmo.integration.webhook.created"):
    """Somewhere new is told of events. Not its URL, which may have a secret in it."""

    webhook_id: UUID
    description: str
    event_types: Sequence[EventType]
    enabled: bool
    created_by: UUID


class WebhookChanged(Event, name="llmo.integration.webhook.changed"):
    """A webhook is another one; which fields are. `secret` is one of them after a rotation."""

    webhook_id: UUID
    version: int
    changed: Sequence[str]
    changed_by: UUID


class WebhookRemoved(Event, name="llmo.integration.webhook.removed"):
    """A webhook that is told of nothing any more."""

    webhook_id: UUID
    removed_by: UUID


class UnknownWebhook(NotFound):
    """The organization has no webhook with this id."""


class UnknownDelivery(NotFound):
    """Nothing was delivered to this webhook under this id, or it was forgotten after thirty days."""


class UnusableWebhookUrl(Invalid):
    """The URL of a webhook is one that is not called."""


class WebhookIsDisabled(Conflict):
    """Nothing is delivered to a webhook that is disabled: enable it first."""


class TooManyWebhooks(Conflict):
    """The organization has as many webhooks as there may be."""

    def __init__(self) -> None:
        super().__init__(f"An organization has at most {MOST_WEBHOOKS} webhooks.")
