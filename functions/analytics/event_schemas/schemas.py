"""Bodies about event schemas."""

from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from analytics.event_schemas.models import EventName, EventSchema, Mode, NewSchema
from analytics.event_schemas.subset import KEYWORDS
from llmo_core.fields import Moment
from llmo_core.model import Model

_DOCUMENT: Final = Field(
    alias="schema",
    description=f"JSON Schema (2020-12) of the properties, with the keywords {', '.join(sorted(KEYWORDS))}. Properties "
    "that it does not name are always kept.",
)
EXAMPLE: Final[dict[str, Any]] = {
    "name": "checkout.completed",
    "mode": "enforce",
    "schema": {
        "type": "object",
        "required": ["plan"],
        "properties": {"plan": {"enum": ["free", "pro"]}, "items": {"type": "integer", "minimum": 1}},
    },
}


class PublishSchema(Model):
    """A schema to be put in force."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: EventName
    document: Annotated[dict[str, Any], _DOCUMENT]
    mode: Annotated[Mode, Field(description="`enforce` refuses events that do not fit, `warn` notes it on them.")]
    description: Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")] = ""

    def wanted(self) -> NewSchema:
        """What is asked for."""
        return NewSchema(**dict(self))


class EventSchemaOut(Model):
    """A published schema. Each publication is a version, and the newest is in force."""

    model_config = ConfigDict(populate_by_name=True)

    name: EventName
    version: int
    mode: Mode
    document: Annotated[dict[str, Any], _DOCUMENT]
    description: str
    created_by: UUID
    created_at: Moment

    @classmethod
    def of(cls, schema: EventSchema) -> Self:
        """Show a schema."""
        return cls(**schema.model_dump(exclude={"id", "org_id"}))


class EventSchemaPage(Model):
    """The schemas in force, by name. `next_cursor` asks for the following ones; null at the end."""

    data: list[EventSchemaOut]
    next_cursor: str | None
