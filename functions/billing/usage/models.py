"""Events of usage as they come in, as they are kept, and what can be wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, Field

from billing.fields import LARGEST_QUANTITY, Amount, Quantity
from billing.metering.folding import UsageEvent
from billing.metering.meters import LLM_CALL, NUMBERS, TEXTS, Aggregation, Meter
from llmo_core.errors import Invalid
from llmo_core.fields import Moment
from llmo_core.model import Model
from llmo_messaging.envelope import Event

_CALL_FIELDS: Final = NUMBERS | TEXTS


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd")


type Text = Annotated[str, AfterValidator(_storable)]
"""What PostgreSQL can hold: NUL characters are replaced, because a call is paid for whatever its user is called."""

type Tally = Annotated[int, Field(ge=0, le=LARGEST_QUANTITY)]


class UsageRecorded(Event, name="llmo.integration.usage.recorded"):
    """One LLM call, as the gateway reports it, with everything that meters can count (`billing.metering.meters`)."""

    org_id: UUID
    project_id: UUID
    key_id: UUID
    endpoint: Text
    requested_model: Text
    model: Text
    provider: Text
    status: Text
    stream: bool
    cache: Text
    estimated: bool
    connection: Text | None = None
    route: Text | None = None
    variant: Text | None = None
    end_user: Text | None = None
    prompt: Text | None = None
    batch: Text | None = None
    tags: Mapping[Text, Text] = Field(default_factory=dict)
    attempts: Tally = 1
    input_tokens: Tally
    cached_input_tokens: Tally
    output_tokens: Tally
    reasoning_tokens: Tally
    cache_write_tokens: Tally = 0
    audio_input_tokens: Tally = 0
    audio_output_tokens: Tally = 0
    image_input_tokens: Tally = 0
    image_output_tokens: Tally = 0
    spared_input_tokens: Tally = 0
    characters: Tally = 0
    audio_seconds: Annotated[float, Field(ge=0, le=LARGEST_QUANTITY, allow_inf_nan=False)] = 0.0
    cost_usd: Quantity
    saved_usd: Quantity
    started_at: Moment

    def counted(self) -> dict[str, Any]:
        """What of it is counted, as meters see it; what it does not have is left out."""
        fields = {name: value for name, value in self.__dict__.items() if value is not None and name in _CALL_FIELDS}
        return {**fields, "tags": self.tags} if self.tags else fields


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event of usage of an organization.

    Attributes:
        event_id: Of the gateway's events their own, of others' ours.
        reported_id: What the organization itself calls it; None of the gateway's.
        name: `llm.call` of the gateway's.
        fields: As meters see them, `tags` by their names.
    """

    org_id: UUID
    event_id: UUID
    name: str
    reported_id: str | None
    occurred_at: datetime
    received_at: datetime
    fields: Mapping[str, Any]

    @classmethod
    def of_call(cls, event_id: UUID, call: UsageRecorded, *, received_at: datetime) -> "KeptEvent":
        """An LLM call; it occurred when it started, as analytics has it."""
        return cls(call.org_id, event_id, LLM_CALL, None, call.started_at, received_at, call.counted())

    @property
    def usage(self) -> UsageEvent:
        """The same as meters see it."""
        return UsageEvent(self.name, self.fields)


class MeterInUse(Model):
    """A meter of the operator's, by which counts are kept."""

    id: UUID
    definition: Meter


class ReportedEvent(Model):
    """An event that an organization reports itself.

    Attributes:
        id: What it calls the event; None where it does not repeat itself.
        occurred_at: None is now.
        fields: As of KeptEvent.
    """

    id: str | None
    name: str
    occurred_at: datetime | None
    fields: Mapping[str, Any]


class ReportStatus(StrEnum):
    """What became of a reported event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Reported:
    """What became of one reported event.

    Attributes:
        id: What the organization calls it; ours where it has none.
        refusal: Why it was refused.
    """

    id: str
    status: ReportStatus
    refusal: Invalid | None = None


class ListedEvents(Model):
    """Which events of an organization are listed, the latest first.

    Attributes:
        start: None is the beginning.
        end: None is the end; what occurs at it is not in the list.
        before: The last event that was shown, by when it occurred and by id.
    """

    org_id: UUID
    name: str | None
    start: datetime | None
    end: datetime | None
    before: tuple[datetime, UUID] | None
    limit: int


class Counted(Model):
    """What a meter has counted, and how."""

    aggregation: Aggregation
    quantity: Amount


class NothingCountsIt(Invalid):
    """No meter counts events of this name."""


class OccurredTooEarly(Invalid):
    """An event is reported within 35 days."""


class NotYetOccurred(Invalid):
    """The event lies in the future."""


class EmptyRange(Invalid):
    """`from` must lie before `to`."""
