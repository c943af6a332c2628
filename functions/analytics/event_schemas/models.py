"""What a schema of events is, and what can go wrong with one."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID, uuid5

import orjson
from pydantic import Field, StringConstraints

from llmo_core.errors import Conflict, Invalid, NotFound
from llmo_core.model import Model

NAME: Final = r"^[A-Za-z][A-Za-z0-9_.:-]{0,99}$"
type EventName = Annotated[str, StringConstraints(pattern=NAME), Field(examples=["checkout.completed"])]

MOST_NAMES: Final = 500
"""For how many names of events an organization publishes schemas."""

MOST_VERSIONS: Final = 1000


class Mode(StrEnum):
    """What becomes of events that do not fit."""

    ENFORCE = "enforce"
    WARN = "warn"


class UnsupportedSchema(Invalid):
    """The schema is not one that events can be checked against."""


class UnknownEventSchema(NotFound):
    """No schema is published for events of this name, or not this version."""


class TooManySchemas(Conflict):
    """The organization has published as many schemas as it may."""


class PublishedMeanwhile(Conflict):
    """Somebody else published a schema for this name at the same time: look at it, and decide anew."""


class NewSchema(Model):
    """What is to be published.

    Attributes:
        document: A JSON Schema of the events' properties; see `analytics.event_schemas.subset`.
    """

    name: str
    document: dict[str, Any]
    mode: Mode
    description: str = ""


class EventSchema(NewSchema):
    """A schema as it was published: it never changes. Of each name the newest version is in force."""

    id: UUID
    org_id: UUID
    version: int
    created_by: UUID
    created_at: datetime

    def same_as(self, new: NewSchema) -> bool:
        """Whether this is what is to be published."""
        said = (self.name, self.mode, self.description, _text(self.document))
        return said == (new.name, new.mode, new.description, _text(new.document))


def _text(document: Mapping[str, Any]) -> bytes:
    """What a document says, where Python takes 1, 1.0 and true for the same."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def key_of(org_id: UUID, name: str, version: int) -> UUID:
    """Under what a version is kept; 0 for the one in force."""
    return uuid5(org_id, f"event schema {version} {name}")
