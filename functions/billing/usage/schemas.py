"""Bodies about events of usage."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StringConstraints, WithJsonSchema

from billing.fields import LARGEST_QUANTITY
from billing.metering.folding import LONGEST_VALUE
from billing.metering.meters import LLM_CALL, EventName, FieldName
from billing.usage.models import KeptEvent, ListedEvents, Reported, ReportedEvent, ReportStatus
from llmo_core.fields import Moment
from llmo_core.model import Model
from llmo_core.paging import cursor_after_moment, moment_before

MOST_EVENTS: Final = 1_000
MOST_BYTES: Final = 2**20
_MOST_FIELDS = 50
_WRITTEN_OUT = 10**16  # Python writes larger floats with an exponent, PostgreSQL their digits; it knows no -0.0
_EXACT_DIGITS = 15  # of decimals that a double gives back as they were written (DBL_DIG)

# PostgreSQL's text holds no NUL, and no id needs a control character.
type ReportedId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
type ShortText = Annotated[str, StringConstraints(max_length=LONGEST_VALUE, pattern=r"^[^\x00]*$")]
type TagName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,95}$")]


def _own_name(name: str) -> str:
    if name == LLM_CALL:
        raise ValueError(f"`{LLM_CALL}` is the gateway's: it reports its calls itself")
    return name


def _no_tag(name: str) -> str:
    if name == "tags" or name.startswith("tags."):
        raise ValueError("tags stand in `tags`, beside the fields")
    return name


def _kept_exactly(value: object) -> object:
    """A text, a boolean, or a number that is kept as it was written."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if len(value) > LONGEST_VALUE or "\0" in value:
            raise ValueError(f"a text has {LONGEST_VALUE} characters at most, and no NUL")
        value.encode()  # raises UnicodeEncodeError, a ValueError, for half a surrogate pair
        return value
    if isinstance(value, int) and abs(value) <= LARGEST_QUANTITY:
        return value
    if isinstance(value, float) and math.isfinite(value) and abs(value) <= LARGEST_QUANTITY:
        if len("".join(map(str, Decimal(repr(value)).as_tuple().digits)).rstrip("0")) > _EXACT_DIGITS:
            raise ValueError(f"a number of more than {_EXACT_DIGITS} digits is not exact in JSON: write it as text")
        # As PostgreSQL gives it back, so that filters see the same text then.
        return int(value) if abs(value) >= _WRITTEN_OUT else value + 0.0
    raise ValueError("a field is a text, a boolean, or a number of at most 10^18")


type FieldValue = Annotated[
    Any,
    BeforeValidator(_kept_exactly),
    WithJsonSchema({"type": ["string", "number", "boolean"], "maxLength": LONGEST_VALUE}),
]


class ReportEvent(Model):
    """An event of usage."""

    id: Annotated[
        ReportedId | None,
        Field(description="The caller's own: an event with an id that was reported before has no effect again."),
    ] = None
    name: Annotated[EventName, AfterValidator(_own_name)]
    occurred_at: Annotated[Moment | None, Field(description="Within the last 35 days; now unless it is given.")] = None
    fields: Annotated[
        dict[Annotated[FieldName, AfterValidator(_no_tag)], FieldValue],
        Field(
            max_length=_MOST_FIELDS,
            description='What meters count and tell apart. Quantities are whole numbers or decimals as text: `"0.25"`.',
        ),
    ] = Field(default_factory=dict)
    tags: Annotated[dict[TagName, ShortText], Field(max_length=_MOST_FIELDS)] = Field(default_factory=dict)

    def reported(self) -> ReportedEvent:
        """What is reported."""
        fields = {**self.fields, "tags": self.tags} if self.tags else self.fields
        return ReportedEvent(id=self.id, name=self.name, occurred_at=self.occurred_at, fields=fields)


class ReportEvents(Model):
    """Events of usage."""

    events: Annotated[list[ReportEvent], Field(min_length=1, max_length=MOST_EVENTS)]


class RefusalOut(Model):
    """Why an event was refused: `type` is stable, `detail` is for people, and may change."""

    type: str
    detail: str


class ReportedOut(Model):
    """What became of an event. Its `id` is ours where it came without one."""

    id: str
    status: ReportStatus
    refusal: RefusalOut | None

    @classmethod
    def of(cls, reported: Reported) -> Self:
        """Show what became of an event."""
        refusal = reported.refusal
        return cls(
            id=reported.id,
            status=reported.status,
            refusal=RefusalOut(type=f"urn:llmo:problem:{refusal.code}", detail=refusal.detail) if refusal else None,
        )


class ReportedPage(Model):
    """What became of each event, in their order, and of how many of them."""

    data: list[ReportedOut]
    accepted: int
    duplicate: int
    refused: int

    @classmethod
    def of(cls, reported: Sequence[Reported]) -> Self:
        """Show what became of events."""
        counts = {status.value: sum(each.status is status for each in reported) for status in ReportStatus}
        return cls(data=[ReportedOut.of(each) for each in reported], **counts)


class EventQuery(Model):
    """Which events are listed."""

    name: Annotated[EventName | None, Field(description="`llm.call` for the gateway's.")] = None
    start: Annotated[Moment | None, Field(alias="from", description="When the first one occurred.")] = None
    to: Annotated[Moment | None, Field(description="When the first one occurred that is not listed.")] = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    cursor: str | None = Field(None, description="The `next_cursor` of the page before.")

    def wanted(self, org_id: UUID) -> ListedEvents:
        """What is asked of an organization's events. Raises MalformedCursor."""
        return ListedEvents(
            org_id=org_id,
            name=self.name,
            start=self.start,
            end=self.to,
            before=moment_before(self.cursor),
            limit=self.limit,
        )


class EventOut(Model):
    """An event as it is counted. A meter counts those that were received once it was there."""

    id: Annotated[str, Field(description="The caller's own, or ours; of LLM calls that of their event.")]
    name: str
    occurred_at: datetime
    received_at: datetime
    fields: dict[str, JsonValue]
    tags: dict[str, str]

    @classmethod
    def of(cls, event: KeptEvent) -> Self:
        """Show an event."""
        tags: Mapping[str, str] = event.fields.get("tags", {})
        return cls(
            id=event.reported_id if event.reported_id is not None else str(event.event_id),
            name=event.name,
            occurred_at=event.occurred_at,
            received_at=event.received_at,
            fields={name: value for name, value in event.fields.items() if name != "tags"},
            tags=dict(tags),
        )


class EventPage(Model):
    """Some events, the latest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[EventOut]
    next_cursor: str | None

    @classmethod
    def of(cls, events: Sequence[KeptEvent], last: tuple[datetime, UUID] | None) -> Self:
        """Show a page."""
        return cls(data=[EventOut.of(event) for event in events], next_cursor=cursor_after_moment(last))
