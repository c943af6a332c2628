"""Bodies of events over HTTP."""

from typing import Annotated, Any, Final, Self

from pydantic import ConfigDict, Field, ValidationError, WithJsonSchema

from analytics.tracking.models import MOST_EVENTS, EventId, GivenEvent, Outcome, Refused, Result
from llmo_core.fields import Moment
from llmo_core.model import Model

MOST_BYTES: Final = 256 * 1024
"""Of one event: twice what its parts have, whatever escapes they are written with."""

MOST_BATCH_BYTES: Final = 4 * 1024 * 1024
"""Lambda takes 6 MB, in which the body stands as a JSON text: every quote is two bytes."""

MALFORMED: Final = "malformed_event"
EXAMPLE: Final[dict[str, Any]] = {
    "id": "01980a5e-7c00-7000-8000-00000000e001",
    "name": "checkout.completed",
    "user_id": "u-42",
    "session_id": "s-7",
    "timestamp": "2026-11-27T12:00:00Z",
    "properties": {"plan": "pro", "items": 3},
}


class TrackEvent(GivenEvent):
    """An event.

    `id` is yours, and makes it safe to send the same event again. `timestamp` is when it happened, at most 7 days ago;
    now when left out. `sent_at` is when you send it, by the same clock: with it a wrong clock is corrected.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    def given(self) -> GivenEvent:
        """What is told."""
        return GivenEvent(**dict(self))


class TrackBatch(Model):
    """Up to 1,000 events, each as for `POST /events`; `sent_at` holds for those that have none of their own."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"events": [EXAMPLE]}]})

    sent_at: Moment | None = None
    events: Annotated[
        list[Annotated[Any, WithJsonSchema({"description": "An event; one that is none is answered as invalid."})]],
        Field(min_length=1, max_length=MOST_EVENTS),
    ]

    def read(self) -> list[GivenEvent | Result]:
        """The events, and what became of those that are malformed."""
        return [self._read(event) for event in self.events]

    def _read(self, event: object) -> GivenEvent | Result:
        try:
            given = GivenEvent.model_validate(event)
        except ValidationError as error:
            return _malformed(event, error)
        if given.sent_at is None and self.sent_at is not None:
            return given.model_copy(update={"sent_at": self.sent_at})
        return given


class EventResultOut(Model):
    """What became of one event: `duplicate` is kept already; of `invalid` the other members say why.

    `id` is missing where the event has none.
    """

    id: EventId | None = None
    status: Outcome
    reason: str | None = Field(None, examples=["too_late"])
    field: str | None = Field(None, description="A JSON pointer into the event.", examples=["/timestamp"])
    detail: str | None = None

    @classmethod
    def of(cls, result: Result) -> Self:
        """Show a result."""
        refused = result.refused.model_dump() if result.refused is not None else {}
        return cls(id=result.id, status=result.status, **refused)


class BatchResultOut(Model):
    """What became of the events, in their order, and how often."""

    accepted: int
    duplicate: int
    invalid: int
    results: list[EventResultOut]

    @classmethod
    def of(cls, results: list[Result]) -> Self:
        """Show results."""
        counts = {outcome.value: sum(result.status is outcome for result in results) for outcome in Outcome}
        return cls(**counts, results=[EventResultOut.of(result) for result in results])


def _malformed(event: object, error: ValidationError) -> Result:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    refused = Refused(reason=MALFORMED, field=_pointer(first["loc"]), detail=first["msg"])
    return Result(id=_id_of(event), status=Outcome.INVALID, refused=refused)


def _pointer(location: tuple[int | str, ...]) -> str:
    """RFC 6901. The name of a field that we do not know may be no text at all."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in location)
    return "".join(f"/{part}" for part in parts).encode(errors="replace").decode()


def _id_of(event: object) -> str | None:
    """The event's id, if that is not what is wrong with it."""
    if not isinstance(event, dict):
        return None
    try:
        return GivenEvent.model_validate({"id": event.get("id"), "name": "it"}).id
    except ValidationError:
        return None
