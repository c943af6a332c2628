"""What event schemas need of the world around them. Everything raises StoreUnavailable."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from analytics.event_schemas.models import EventSchema

type Compile = Callable[[Mapping[str, Any]], None]
"""Raises UnsupportedSchema for what no properties can be checked against."""


class EventSchemas(Protocol):
    """Where schemas are kept."""

    async def page(self, org_id: UUID, *, after: str | None, limit: int) -> Sequence[EventSchema]:
        """At most `limit` of those in force, by name, after that one."""
        ...

    async def in_force(self, org_id: UUID, name: str) -> EventSchema | None:
        """The newest version for a name; None without one."""
        ...

    async def version(self, org_id: UUID, name: str, version: int) -> EventSchema | None:
        """A version for a name; None without it."""
        ...

    async def names(self, org_id: UUID) -> int:
        """For how many names there are schemas."""
        ...

    async def put_in_force(self, schema: EventSchema) -> None:
        """Have events be checked against a version that is kept, unless a newer one is in force. Safe to repeat."""
        ...

    async def publish(self, schema: EventSchema) -> None:
        """Keep a version, in force from now on. Raises PublishedMeanwhile when it is there already."""
        ...
