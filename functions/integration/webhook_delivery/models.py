"""What the worker works on."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from llmo_core.envelope_encryption import Sealed
from llmo_messaging.envelope import Event


class Status(StrEnum):
    """How far a delivery is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DisabledReason(StrEnum):
    """Why a webhook was disabled by nobody: its receiver said 410, or did not take anything for five days."""

    GONE = "gone"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A webhook for which something waits, and whose it is."""

    org_id: UUID
    webhook_id: UUID


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where messages go.

    Attributes:
        secrets: What they are signed with, the newest first; the one before the last rotation ends at `previous_until`.
    """

    id: UUID
    org_id: UUID
    url: str
    description: str
    secret: Sealed = field(repr=False)
    previous_secret: Sealed | None = field(repr=False)
    previous_until: datetime | None

    def signing(self, now: datetime) -> list[Sealed]:
        """The secrets that sign now."""
        previous = self.previous_secret
        if previous is None or self.previous_until is None or now >= self.previous_until:
            return [self.secret]
        return [self.secret, previous]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook that wants to be told of some types of events."""

    webhook_id: UUID
    event_types: frozenset[str]


@dataclass(frozen=True, slots=True)
class Message:
    """A public event for one webhook."""

    id: UUID
    webhook_id: UUID
    event_id: UUID
    event_type: str
    body: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that is due.

    Attributes:
        attempts: How often it was sent already.
    """

    id: UUID
    event_id: UUID
    event_type: str
    body: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Attempted:
    """What becomes of a delivery after an attempt.

    Attributes:
        next_attempt_at: None when there is none.
    """

    delivery_id: UUID
    status: Status
    attempts: int
    at: datetime
    next_attempt_at: datetime | None
    status_code: int | None
    error: str | None


class WebhookDisabled(Event, name="llmo.integration.webhook.disabled"):
    """Nothing is delivered to a webhook any more, because its receiver takes nothing; somebody may enable it again."""

    webhook_id: UUID
    description: str
    reason: DisabledReason
    failing_since: datetime
