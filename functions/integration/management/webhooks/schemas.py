"""Webhooks as HTTP bodies."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from integration.management.webhooks.models import (
    Delivery,
    NewWebhook,
    Tried,
    Webhook,
    WebhookChanges,
    WithSecret,
)
from integration.webhook_messages.catalogue import DESCRIPTIONS, EventType
from llmo_core.fields import Flag
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after

type WebhookUrl = Annotated[str, StringConstraints(min_length=1, max_length=500)]
type Description = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
type EventTypes = Annotated[list[EventType], Field(min_length=1, max_length=100)]

_URL = "`https://host[:port][/path][?query]`, on a public address. It is shown to whoever may read webhooks."
_TYPES = "What to be told of; `GET /api/v1/webhooks/event-types` explains them."
_WEBHOOK: dict[str, Any] = {
    "url": "https://example.com/hooks/llmo",
    "event_types": ["batch.completed", "budget.exhausted"],
    "description": "Operations",
}


class CreateWebhook(Model):
    """A new webhook."""

    model_config = ConfigDict(json_schema_extra={"examples": [_WEBHOOK]})

    url: WebhookUrl = Field(description=_URL)
    event_types: EventTypes = Field(description=_TYPES)
    description: Description = ""
    enabled: Flag = True

    def wanted(self) -> NewWebhook:
        """What is asked for."""
        return NewWebhook.model_validate(self.model_dump())


class ChangeWebhook(Model):
    """What shall be another; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"event_types": ["batch.completed"]}]})

    url: WebhookUrl = Field(default_factory=str, description=_URL)
    event_types: EventTypes = Field(default_factory=list, description=_TYPES)
    description: Description = Field(default_factory=str)
    enabled: Flag = Field(
        default_factory=bool, description="`false` gives up what waits to be delivered; `true` also forgets failures."
    )

    def wanted(self) -> WebhookChanges:
        """What is asked for."""
        return WebhookChanges.model_validate(self.model_dump(exclude_unset=True))


class WebhookOut(Model):
    """A webhook without its secrets."""

    id: UUID
    url: str
    description: str
    event_types: list[EventType]
    enabled: bool
    disabled_reason: str | None = Field(
        description="`gone`: its receiver said 410; `failing`: it took nothing for five days. Null otherwise."
    )
    failing_since: datetime | None = Field(
        description="The first failure after the last success, while anything waits."
    )
    previous_secret_until: datetime | None = Field(description="How long the secret before the last rotation signs.")
    version: int
    created_by: UUID
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        """Show a webhook."""
        shown = webhook.model_dump(exclude={"org_id", "secret", "previous_secret", "previous_until"})
        return cls(**shown, previous_secret_until=webhook.previous_until)


class WebhookWithSecretOut(WebhookOut):
    """A webhook with its new signing secret."""

    secret: str = Field(
        description="`whsec_` and the base64 of the key of HMAC-SHA256. Stored encrypted, and never shown again."
    )

    @classmethod
    def with_secret(cls, made: WithSecret) -> Self:
        """Show a webhook with its secret."""
        return cls(**WebhookOut.of(made.webhook).model_dump(), secret=made.secret.get_secret_value())


class WebhookPage(Model):
    """Some webhooks, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[WebhookOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Webhook]) -> Self:
        """Show a page."""
        return cls(data=[WebhookOut.of(webhook) for webhook in page.data], next_cursor=cursor_after(page.last))


class EventTypeOut(Model):
    """What a webhook can be told of."""

    type: EventType
    description: str


class EventTypesOut(Model):
    """Everything that webhooks can be told of."""

    data: Sequence[EventTypeOut]

    @classmethod
    def all(cls) -> Self:
        """Show all of them."""
        return cls(data=[EventTypeOut(type=each, description=text) for each, text in DESCRIPTIONS.items()])


class DeliveryOut(Model):
    """An event for a webhook, and what came of it. It is forgotten after thirty days."""

    id: UUID
    event_id: UUID = Field(description="What its receiver sees as `webhook-id`, the same at every attempt.")
    event_type: str
    status: str = Field(description="`pending`, `delivered` or `failed`.")
    attempts: int
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    last_status_code: int | None = Field(description="Of HTTP; null when there was no answer.")
    last_error: str | None = Field(description="What is wrong, for people; it may be worded differently some day.")
    created_at: datetime

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Show a delivery."""
        return cls(**delivery.model_dump(exclude={"webhook_id"}))


class DeliveryPage(Model):
    """Some deliveries, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[DeliveryOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Delivery]) -> Self:
        """Show a page."""
        return cls(data=[DeliveryOut.of(each) for each in page.data], next_cursor=cursor_after(page.last))


class TriedOut(Model):
    """What came of a test event."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event_id": "01980a5e-7c00-7000-8000-000000000301",
                    "delivered": False,
                    "status": 500,
                    "latency_ms": 41,
                    "problem": "The receiver does not take the message (HTTP 500).",
                }
            ]
        }
    )

    event_id: UUID = Field(description="What its receiver saw as `webhook-id`.")
    delivered: bool
    status: int | None = Field(description="Of HTTP; null when there was no answer.")
    latency_ms: int
    problem: str | None = Field(description="What is wrong, for people; it may be worded differently some day.")

    @classmethod
    def of(cls, tried: Tried) -> Self:
        """Show what came of it."""
        return cls(**tried.model_dump())
