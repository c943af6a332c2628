"""What keeps messages from an address, and what can go wrong with it."""

from datetime import datetime
from uuid import UUID

from llmo_core.errors import Forbidden, NotFound
from llmo_core.model import Model
from llmo_messaging.envelope import Event
from notification.kinds.models import Channel


class Suppression(Model):
    """An address that nothing is sent to, of which only a hash is kept.

    Attributes:
        reason: `bounced` and `gone` keep everything from it, `complained` and `unsubscribed` what is not critical.
        message_id: The message that it was learned of.
    """

    id: UUID
    channel: Channel
    reason: str
    message_id: UUID | None
    created_at: datetime


class SuppressionLifted(Event, name="llmo.notification.suppression.lifted"):
    """Messages go to an address again. `by` is who wants that."""

    suppression_id: UUID
    channel: Channel
    reason: str
    by: UUID


class UnknownSuppression(NotFound):
    """There is no suppression with this id."""


class SuppressionsOfOperator(Forbidden):
    """Only the organization that operates this deployment may see suppressions, and lift them."""
