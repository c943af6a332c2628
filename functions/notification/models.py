"""What every area of notification shares: people, how far a message is, and when what failed is tried again."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID

from llmo_auth.principal import Role, permissions_of
from llmo_core.model import Model


class Status(StrEnum):
    """How far a message is. `sent` is what a provider took; `opened` and `clicked` are what it saw of the recipient."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    DIGESTED = "digested"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    EXPIRED = "expired"


_RANK: Final[Mapping[Status, int]] = MappingProxyType(
    {
        Status.QUEUED: 0,
        Status.SENDING: 1,
        Status.SENT: 2,
        Status.FAILED: 3,
        Status.BOUNCED: 4,
        Status.DELIVERED: 5,
        Status.OPENED: 6,
        Status.CLICKED: 7,
        Status.COMPLAINED: 8,
    }
)


def follows(status: Status, later: Status) -> bool:
    """Whether what a provider tells is news of a message: statuses move forward only, however late they are told."""
    if status not in _RANK or later not in _RANK:
        return False
    return _RANK[later] > _RANK[status]


class Person(Model):
    """Somebody with an account, as a member of one organization, or of none."""

    user_id: UUID
    email: str
    name: str
    org_id: UUID | None = None
    organization: str | None = None
    role: str | None = None
    permissions: Sequence[str] | None = None

    def may(self, permission: str) -> bool:
        """Whether their role lets them do this."""
        if self.role is None:
            return False
        known = self.permissions is not None or self.role in {*Role}
        return known and permission in permissions_of(self.role, self.permissions)


class Gaps(NamedTuple):
    """When what failed is tried again.

    Attributes:
        first: After the first time; twice as long after each that follows.
        longest: But no longer than this.
        most: After so many times it is given up.
    """

    first: timedelta
    longest: timedelta
    most: int
