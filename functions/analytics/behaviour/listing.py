"""Parameters and bodies of lists and counts of tracked events."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from analytics.behaviour.models import Count, CountQuery, EventQuery, Interval, ListedEvent
from analytics.behaviour.schemas import range_of
from analytics.event_schemas.models import EventName
from analytics.tracking.models import Origin, Someone
from analytics.usage.schemas import Moment as GivenMoment
from llmo_core.fields import Moment, TimeZone
from llmo_core.model import Model
from llmo_core.paging import cursor_after_moment, moment_before

_FROM: Any = Field(None, alias="from", description="RFC 3339 or a UTC date. 30 days before `to` when left out.")
_TO: Any = Field(None, description="RFC 3339 or a UTC date; exclusive. Now when left out.")


def _names(given: object) -> object:
    """Split comma-separated names, given once or several times."""
    parts = [given] if isinstance(given, str) else given
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        return given
    return [name.strip() for part in parts for name in part.split(",")]


def _each_once(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


# No `type` statement: FastAPI looks through it at no sequence, and would take the last of several values.
Names = Annotated[list[EventName], BeforeValidator(_names), AfterValidator(_each_once), Field(max_length=10)]


class ListParameters(Model):
    """Which events to list."""

    model_config = ConfigDict(populate_by_name=True)

    name: EventName | None = None
    user_id: Someone | None = None
    from_: GivenMoment | None = _FROM
    to: GivenMoment | None = _TO
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: str | None = Field(None, description="The `next_cursor` of the page before.")

    def query(self, org_id: UUID, *, now: datetime) -> EventQuery:
        """The question, for one organization, and for one event more. Raises MalformedCursor."""
        return EventQuery(
            org_id=org_id,
            range=range_of(self.from_, self.to, now=now),
            name=self.name,
            user_id=self.user_id,
            before=moment_before(self.cursor),
            limit=self.limit + 1,
        )


class CountParameters(Model):
    """Which events to count."""

    model_config = ConfigDict(populate_by_name=True)

    name: Names = Field([], description="Comma-separated; all when left out.", examples=["page.viewed"])
    interval: Interval = Interval.DAY
    time_zone: TimeZone = "UTC"
    from_: GivenMoment | None = _FROM
    to: GivenMoment | None = _TO

    def query(self, org_id: UUID, *, now: datetime) -> CountQuery:
        """The question, for one organization."""
        return CountQuery(
            org_id=org_id,
            range=range_of(self.from_, self.to, now=now),
            names=tuple(self.name),
            interval=self.interval,
            zone=self.time_zone,
        )


class EventOut(Model):
    """A tracked event. `timestamp` is by our clock: `skew_ms` was added to the sender's."""

    id: str
    name: str
    user_id: str | None
    anonymous_id: str | None
    session_id: str | None
    timestamp: Moment
    received_at: Moment
    skew_ms: int
    origin: Origin
    properties: dict[str, Any]
    schema_version: int | None
    violations: list[str]

    @classmethod
    def of(cls, event: ListedEvent) -> Self:
        """Show an event."""
        return cls(**event.model_dump(exclude={"key"}))


class EventPage(Model):
    """Some events, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[EventOut]
    next_cursor: str | None

    @classmethod
    def of(cls, found: list[ListedEvent], limit: int) -> Self:
        """Show a page of `limit` events at most, of which one more was looked for."""
        last = (found[limit - 1].timestamp, found[limit - 1].key) if len(found) > limit else None
        return cls(data=[EventOut.of(event) for event in found[:limit]], next_cursor=cursor_after_moment(last))


class CountOut(Model):
    """The events of a name in an interval. `users` is exact: it counts users and anonymous ids once each."""

    name: str
    start: Moment
    events: int
    users: int


class CountsOut(Model):
    """Counts by interval, and in it by name; what has none is left out."""

    data: list[CountOut]

    @classmethod
    def of(cls, counts: list[Count]) -> Self:
        """Show counts."""
        return cls(data=[CountOut(**count.model_dump()) for count in counts])
