"""The envelope of every event: CloudEvents 1.0 in JSON.

Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md. `dataversion`, `orgid` and `traceparent`
are extension attributes; `traceparent` is the one of the distributed-tracing extension.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from llmo_core.model import OpenModel


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

    `id` identifies the fact: a redelivery or a second publication carries the same one.
    """

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    dataversion: int = 1
    orgid: UUID
    traceparent: str | None = None
    data: Mapping[str, Any]

    @classmethod
    def of(
        cls, event: Event, *, event_id: UUID, org_id: UUID, time: datetime, traceparent: str | None = None
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
        return self.model_dump_json(exclude={"traceparent"} if self.traceparent is None else None)
