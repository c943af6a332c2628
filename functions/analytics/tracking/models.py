"""What is tracked, who sent it, and what becomes of it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self
from uuid import UUID, uuid5

from pydantic import AfterValidator, Field, StringConstraints

from analytics.event_schemas.models import EventName
from analytics.tracking.properties import bounded
from llmo_auth.principal import Principal
from llmo_core.errors import Invalid, TooManyRequests
from llmo_core.fields import Moment
from llmo_core.model import Model

MOST_EVENTS: Final = 1_000
"""In one batch."""

NO_CONTROLS: Final = r"^[^\x00-\x1f\x7f]+$"

type EventId = Annotated[str, StringConstraints(max_length=200, pattern=NO_CONTROLS)]
type Someone = Annotated[str, StringConstraints(max_length=256, pattern=NO_CONTROLS)]
type GivenProperties = Annotated[dict[str, Any], AfterValidator(bounded)]


class Origin(StrEnum):
    """Where an event comes from, as far as the credentials tell."""

    BROWSER = "browser"
    SERVER = "server"


class Outcome(StrEnum):
    """What became of an event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    INVALID = "invalid"


class TooLate(Invalid):
    """The event happened more than 7 days ago."""


class InTheFuture(Invalid):
    """The event lies more than an hour ahead of our clock."""


class TooManyEvents(TooManyRequests):
    """This key sends more events than one of web pages may."""


class SchemaViolated(Invalid):
    """The event's properties do not fit the schema that is published for its name."""


class PersonErased(Invalid):
    """The event names a person who was erased."""


class GivenEvent(Model):
    """An event as its sender tells it.

    Attributes:
        id: The sender's own: the same again is the same event.
        timestamp: When it happened, by the sender's clock; None: when it arrives.
        sent_at: When the request was sent, by the same clock; it shows how far that is off.
    """

    id: EventId
    name: EventName
    user_id: Someone | None = None
    anonymous_id: Someone | None = None
    session_id: Someone | None = None
    timestamp: Moment | None = None
    sent_at: Moment | None = None
    properties: GivenProperties = Field(default_factory=dict)


class Sender(Model):
    """Whose events these are, and what sent them."""

    org_id: UUID
    project_id: UUID | None
    actor_id: UUID
    origin: Origin

    @classmethod
    def of(cls, principal: Principal) -> Self:
        """The caller."""
        return cls(
            org_id=principal.org_id,
            project_id=principal.project_id,
            actor_id=principal.actor_id,
            origin=Origin.BROWSER if principal.appends_only else Origin.SERVER,
        )


class TrackedEvent(Model):
    """An event as it is kept.

    Attributes:
        event_id: The sender's own.
        actor: Whom to count: the user, else the anonymous id; None when the event names neither.
        timestamp: When it happened, by our clock.
        skew_ms: What was added to the sender's clock.
        properties: Canonical JSON.
        pairs: What queries can look for; see `analytics.tracking.properties`.
        schema_version: Of the schema that the properties were checked against.
        violations: What does not fit it, where it only warns.
    """

    id: UUID
    org_id: UUID
    project_id: UUID | None
    key_id: UUID
    origin: Origin
    event_id: str
    name: str
    user_id: str | None
    anonymous_id: str | None
    session_id: str | None
    actor: str | None
    timestamp: datetime
    received_at: datetime
    skew_ms: int
    properties: str
    pairs: tuple[str, ...]
    schema_version: int | None
    violations: tuple[str, ...] = ()
    expires_at: datetime


class Refused(Model):
    """Why an event is not kept.

    Attributes:
        reason: The code of an error.
        field: Where, as a JSON pointer into the event.
    """

    reason: str
    field: str
    detail: str


class Result(Model):
    """What became of one event; `id` is None where it has none that can be read."""

    id: str | None
    status: Outcome
    refused: Refused | None = None


def key_of(sender: Sender, event_id: str) -> UUID:
    """Under what an event is kept: one for each organization, project and id, apart for web pages and servers.

    Whoever has the key in a web page can take no id from a server's events.
    """
    return uuid5(sender.org_id, f"event {sender.origin} {sender.project_id} {event_id}")


def actor_of(user_id: str | None, anonymous_id: str | None) -> str | None:
    """Whom an event counts to. A user and an anonymous visitor are never the same, whatever their ids are."""
    if user_id is not None:
        return f"u:{user_id}"
    return f"a:{anonymous_id}" if anonymous_id is not None else None
