"""What a kind of notification is: what it is about, how urgent it is, on which channels it goes, and to whom."""

from collections.abc import Mapping, Sequence
from enum import IntEnum, StrEnum
from typing import Any, Final
from uuid import UUID

from llmo_auth.principal import Permission
from llmo_core.model import Model


class Channel(StrEnum):
    """How a message reaches somebody."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    IN_APP = "in_app"


class Category(StrEnum):
    """What a notification is about: people choose channels by it."""

    ACCOUNT = "account"
    SECURITY = "security"
    PAYMENTS = "payments"
    INVOICES = "invoices"
    BUDGETS = "budgets"
    CREDIT = "credit"
    SUBSCRIPTION = "subscription"
    KEYS = "keys"
    TEAM = "team"
    OPERATIONS = "operations"
    REPORTS = "reports"
    UPDATES = "updates"


CRITICAL: Final = frozenset({Category.ACCOUNT, Category.SECURITY, Category.PAYMENTS})
"""What nobody can mute: whoever misses it loses an account, or its service."""


class Priority(IntEnum):
    """What goes first. Nothing waits for something of a lower priority."""

    CRITICAL = 0
    NORMAL = 1
    BULK = 2


class Address(Model):
    """An e-mail address of an event that nobody has to have an account for, and whose account it is, if known."""

    email: str
    user_id: UUID | None = None


class Audience(Model):
    """Whom a notification is for: everybody that any of its fields names, each once.

    Attributes:
        user_ids: Members of the organization; of a notification of none, anybody.
        addresses: E-mail addresses.
        phones: Numbers as E.164 has them.
        roles: Members of the organization that have one of these roles.
        permission: Members of the organization that may do this.
        topic: Whoever has subscribed to it.
        anybody: Whether users need not be members of the organization (any more).
    """

    user_ids: tuple[UUID, ...] = ()
    addresses: tuple[Address, ...] = ()
    phones: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    permission: Permission | None = None
    topic: str | None = None
    anybody: bool = False


class Kind(Model):
    """A kind of notification.

    Attributes:
        name: As templates are named by it.
        channels: Where it goes unless somebody chooses otherwise.
        summary: What it tells, for whoever looks for it in a list.
        variables: What its templates may use, each with an example: its preview.
    """

    name: str
    category: Category
    channels: tuple[Channel, ...]
    summary: str
    variables: Mapping[str, Any]

    @property
    def critical(self) -> bool:
        """Whether nobody can mute it."""
        return self.category in CRITICAL

    @property
    def priority(self) -> Priority:
        """What it has unless it is sent to many."""
        return Priority.CRITICAL if self.critical else Priority.NORMAL


class Fact(Model):
    """What an event has somebody be told.

    Attributes:
        dedupe_key: Of facts with the same key in an organization only the first is told.
        asked_by: Whose doing it is, where somebody else may be told.
    """

    kind: str
    audience: Audience
    variables: Mapping[str, Any]
    dedupe_key: str
    asked_by: UUID | None = None


type Facts = Sequence[Fact]
