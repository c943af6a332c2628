"""What one can do with event schemas."""

from collections.abc import Sequence
from uuid import UUID

from analytics.event_schemas import subset
from analytics.event_schemas.models import (
    MOST_NAMES,
    MOST_VERSIONS,
    EventSchema,
    NewSchema,
    TooManySchemas,
    UnknownEventSchema,
    key_of,
)
from analytics.event_schemas.ports import Compile, EventSchemas
from llmo_auth.principal import Principal
from llmo_core.clock import Clock


class EventSchemaService:
    """Publishes schemas and shows them."""

    def __init__(self, *, schemas: EventSchemas, compile_schema: Compile, clock: Clock) -> None:
        self._schemas = schemas
        self._compile = compile_schema
        self._clock = clock

    async def page(self, org_id: UUID, *, after: str | None, limit: int) -> Sequence[EventSchema]:
        """At most `limit` of those in force, by name, after that one. Raises StoreUnavailable."""
        return await self._schemas.page(org_id, after=after, limit=limit)

    async def show(self, org_id: UUID, name: str, version: int | None) -> EventSchema:
        """A version; None for the one in force. Raises UnknownEventSchema, StoreUnavailable."""
        if version is None:
            found = await self._schemas.in_force(org_id, name)
        else:
            found = await self._schemas.version(org_id, name, version)
        if found is None:
            raise UnknownEventSchema
        return found

    async def publish(self, principal: Principal, new: NewSchema) -> EventSchema:
        """Put a new version in force; what is in force already stays the version that it is, so repeating is safe.

        Raises UnsupportedSchema, TooManySchemas, PublishedMeanwhile, StoreUnavailable.
        """
        subset.check(new.document)
        self._compile(new.document)
        org_id = principal.org_id
        newest = await self._schemas.in_force(org_id, new.name)
        if newest is not None and newest.same_as(new):
            await self._schemas.put_in_force(newest)  # whoever kept it may have ended before
            return newest
        version = newest.version + 1 if newest is not None else 1
        if version > MOST_VERSIONS:
            raise TooManySchemas(f"There are {MOST_VERSIONS} versions for a name at most.")
        if newest is None and await self._schemas.names(org_id) >= MOST_NAMES:
            raise TooManySchemas(f"There are schemas for {MOST_NAMES} names at most.")
        schema = EventSchema(
            **dict(new),
            id=key_of(org_id, new.name, version),
            org_id=org_id,
            version=version,
            created_by=principal.actor_id,
            created_at=self._clock.now(),
        )
        await self._schemas.publish(schema)
        return schema
