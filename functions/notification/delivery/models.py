"""What a sender works on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from notification.kinds.models import Category, Channel, Priority
from notification.models import Status


class Due(NamedTuple):
    """A message that is due, and whose it is."""

    org_id: UUID | None
    message_id: UUID


@dataclass(frozen=True, slots=True)
class Leased:
    """A message that this sender has, with all that its content is made of.

    Attributes:
        interrupted: Whether another sender had it and died: nobody knows if it was sent.
        unless_read: Whether it is sent only to who has not read the notification in the inbox.
    """

    id: UUID
    org_id: UUID | None
    notification_id: UUID
    kind: str
    category: Category
    priority: Priority
    channel: Channel
    recipient: str
    user_id: UUID | None
    address: str | None = field(repr=False)
    name: str | None
    locale: str
    time_zone: str
    attempts: int
    give_up_at: datetime
    variables: Mapping[str, Any] = field(repr=False)
    organization: str | None
    interrupted: bool
    unless_read: bool

    @property
    def critical(self) -> bool:
        """Whether nobody can mute it."""
        return self.priority is Priority.CRITICAL


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of a message after a sender had it.

    Attributes:
        provider: Who had it; None when nobody was asked.
        outcome: Of the attempt: `sent`, `refused`, `failed` or `unknown`; None when there was none.
        due_at: When it is tried again; None when it is not.
        leased_attempts: How many attempts there were when it was leased: whoever leases it after a sender that did not
            come back counts that one's, and what that one says of trying it again is nothing any more.
    """

    message_id: UUID
    status: Status
    reason: str | None
    due_at: datetime | None
    attempts: int
    provider: str | None = None
    outcome: str | None = None
    provider_id: str | None = None
    cost: Decimal | None = None
    currency: str | None = None
    started_at: datetime | None = None
    leased_attempts: int | None = None


type Batch = Sequence[Leased]
