"""Which contents of calls are kept, and what can go wrong with them."""

from datetime import datetime
from enum import IntEnum
from uuid import UUID

from integration.guarding.rules import Pii
from integration.management.models import Versioned
from llmo_core.errors import NotFound, Unavailable
from llmo_core.model import Model
from llmo_messaging.envelope import Event


class Retention(IntEnum):
    """How many days contents can be kept: the bucket has a rule for each."""

    DAY = 1
    WEEK = 7
    MONTH = 30
    QUARTER = 90
    YEAR = 365


class Wish(Model):
    """What a project wants kept.

    Attributes:
        retention_days: For how long.
        redact: Kinds of personal data of which only a label is kept.
    """

    retention_days: Retention
    redact: frozenset[Pii]


class ContentLogging(Versioned, Wish):
    """What a project wants kept of its calls.

    Attributes:
        updated_by: A user, an API key or a service account.
    """

    project_id: UUID
    updated_by: UUID
    updated_at: datetime

    @property
    def id(self) -> UUID:
        """What lists are ordered by."""
        return self.project_id

    @property
    def wish(self) -> Wish:
        """What it says."""
        return Wish(retention_days=self.retention_days, redact=self.redact)


class LoggedCall(Model):
    """A call whose contents are kept."""

    id: UUID
    org_id: UUID
    project_id: UUID
    key_id: UUID
    request_id: str
    endpoint: str
    model: str
    status: str
    http_status: int
    end_user: str | None
    started_at: datetime
    retention_days: int
    redacted: bool
    expires_at: datetime


class Contents(Model):
    """What was said in a call; `cut` names what is there from its beginning only."""

    request: str | None
    response: str | None
    cut: list[str]


class Looked(Model):
    """Which calls are looked for; None does not matter.

    Attributes:
        since: Those that began then or later, and `until` those that began before.
    """

    project_id: UUID | None = None
    key_id: UUID | None = None
    request_id: str | None = None
    model: str | None = None
    status: str | None = None
    end_user: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class ContentLoggingChanged(Event, name="llmo.integration.content_logging.changed"):
    """From now on contents of a project's calls are kept for so many days, without such personal data."""

    project_id: UUID
    retention_days: int
    redact: list[str]
    version: int
    changed_by: UUID

    @classmethod
    def of(cls, logging: ContentLogging) -> "ContentLoggingChanged":
        """Tell of a project's new wish."""
        return cls(
            project_id=logging.project_id,
            retention_days=logging.retention_days,
            redact=sorted(logging.redact),
            version=logging.version,
            changed_by=logging.updated_by,
        )


class ContentLoggingRemoved(Event, name="llmo.integration.content_logging.removed"):
    """From now on no contents of a project's calls are kept; those that are kept stay until their time is over."""

    project_id: UUID
    removed_by: UUID


class ContentsErased(Event, name="llmo.integration.contents.erased"):
    """Contents of some calls are gone before their time. It says how many, and not whose."""

    erased: int
    erased_by: UUID


class UnknownContentLogging(NotFound):
    """No contents of this project's calls are kept."""


class UnknownLog(NotFound):
    """No contents are kept of such a call."""


class ContentsUnavailable(Unavailable):
    """The contents of calls cannot be read or deleted right now."""
