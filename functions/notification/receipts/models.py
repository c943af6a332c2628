"""What a provider tells, whoever it is."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from pydantic import Field

from llmo_core.errors import Forbidden, Invalid, TooLarge, Unavailable
from llmo_core.model import Model
from notification.kinds.models import Channel
from notification.models import Status

LONGEST_ADDRESS: Final = 320
"""Characters of an e-mail address: 64 before the `@`, 255 after it (RFC 3696)."""


class Suppression(StrEnum):
    """Why nothing is sent to an address any more."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"


class NotSigned(Forbidden):
    """The call has no valid signature of the provider's, or an old one."""


class MalformedReceipts(Invalid):
    """The body is none of the provider's."""


class ReceiptsTooLarge(TooLarge):
    """The body is larger than any of the provider's."""


class NoVerificationKey(Unavailable):
    """The deployment does not know what this provider signs with: anybody could have written it."""


class Receipt(Model):
    """What a provider tells of one message, once.

    Attributes:
        event_id: The provider's, the same however often it is told.
        message_id: Ours, that the provider was given with the message.
        suppression: Why nothing may be sent to the address again, if so.
        provider_id: What the provider calls the message, if it says so.
        address: To which the provider sent it, if it says so.
    """

    provider: str
    event_id: str
    message_id: UUID
    status: Status
    reason: str | None
    occurred_at: datetime
    suppression: Suppression | None = None
    provider_id: str | None = None
    address: str | None = Field(default=None, repr=False)


class Told(Model):
    """A message that something is told of.

    Attributes:
        address: None once it was forgotten.
    """

    id: UUID
    channel: Channel
    status: Status
    address: str | None


class Changed(Model):
    """What becomes of a message by what is told of it."""

    id: UUID
    status: Status
    reason: str | None
    provider: str
    provider_id: str | None
