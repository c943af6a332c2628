"""The envelope of every event: CloudEvents 1.0 in JSON.

Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md. `dataversion`, `orgid`, `traceparent` and
`dataref` are extension attributes; the last two are those of the extensions for distributed tracing and claim checks.
"""

from datetime import datetime
from typing import Any, ClassVar, Final, Literal, Self
from uuid import UUID

import orjson
from pydantic import Field, model_validator

from llmo_core.model import OpenModel

_LEFT_OUT: Final = ("orgid", "traceparent", "dataref")  # where they have no value


class Event(OpenModel):
    """A fact in the past tense, published by one service for whoever is interested.

    Subclasses name themselves: `class SubscriptionStarted(Event, name="llmo.billing.subscription.started")`. A change
    that readers of the old shape cannot take raises `version`; fields that a reader does not know are ignored.
    """

    event_type: ClassVar[str]
    event_version: ClassVar[int]

    def __init_subclass__(cls, *, name: str = "", version: int = 1, **kwargs: Any) -> None:  # noqa: ANN401 - pydantic's
        super().__init_subclass__(**kwargs)
        cls.event_type = name
        cls.event_version = version


class Envelope(OpenModel):
    """An event on its way, with who it is about and where it came from.

    `id` identifies the fact: a redelivery or a second publication carries the same one. Of an event whose data is too
    large for a message, `data` is empty and `dataref` says where it is (`llmo_messaging.claims`). An event about a
    person, who may be in any number of organizations, has no `orgid`.
    """

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    dataversion: int = 1
    orgid: UUID | None = None
    traceparent: str | None = None
    dataref: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_data(self) -> Self:
        if "data" not in self.model_fields_set and self.dataref is None:
            raise ValueError("neither data nor dataref")
        return self

    @classmethod
    def of(
        cls, event: Event, *, event_id: UUID, org_id: UUID | None, time: datetime, traceparent: str | None = None
    ) -> "Envelope":
        """Wrap an event. The source is the event's service: `llmo.billing` for `llmo.billing.invoice.finalized`."""
        return cls(
            id=event_id,
            source=".".join(event.event_type.split(".")[:2]),
            type=event.event_type,
            time=time,
            dataversion=event.event_version,
            orgid=org_id,
            traceparent=traceparent,
            data=event.model_dump(mode="json"),
        )

    def to_json(self) -> str:
        """The envelope as JSON text; attributes without a value are left out, as CloudEvents demands."""
        attributes = {name: value for name, value in self if value is not None or name not in _LEFT_OUT}
        if self.dataref is not None:
            del attributes["data"]
        try:
            return orjson.dumps(attributes, option=orjson.OPT_UTC_Z).decode()
        except orjson.JSONEncodeError:  # an integer of more than 64 bits, say
            return self.model_dump_json(include={*attributes})
