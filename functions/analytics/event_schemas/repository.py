"""Event schemas in MongoDB: every version in `event_schema_versions`, and the one in force in `event_schemas`.

Documents of clients are kept as JSON text: none of their keys is one of ours.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson
from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from analytics.event_schemas.compiled import CompiledSchema
from analytics.event_schemas.models import EventSchema, PublishedMeanwhile, key_of
from analytics.storage import MAX_TIME_MS, store_errors
from llmo_data.mongo import Document

_ORDER: Final = [("org_id", ASCENDING), ("name", ASCENDING)]


class MongoEventSchemas:
    """The schemas of all organizations. Everything raises StoreUnavailable."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._versions = database["event_schema_versions"]
        self._in_force = database["event_schemas"]

    async def newest(self, org_id: UUID, names: Collection[str]) -> Mapping[str, CompiledSchema]:
        """Those in force for these names, ready to check; names without one are left out."""
        wanted = {"org_id": org_id, "_id": {"$in": [key_of(org_id, name, 0) for name in sorted(names)]}}
        return {schema.name: CompiledSchema(schema) for schema in await self._found(wanted, limit=len(names))}

    async def page(self, org_id: UUID, *, after: str | None, limit: int) -> Sequence[EventSchema]:
        """At most `limit` of those in force, by name, after that one."""
        wanted: Document = {"org_id": org_id, **({"name": {"$gt": after}} if after is not None else {})}
        return await self._found(wanted, limit=limit)

    async def in_force(self, org_id: UUID, name: str) -> EventSchema | None:
        """The newest version for a name; None without one."""
        with store_errors():
            # Of two that are published at once, both are versions, and the first may be put in force last.
            found = self._versions.find({"org_id": org_id, "name": name}).sort("version", -1).limit(1)
            documents = await found.max_time_ms(MAX_TIME_MS).to_list()
        return _schema(documents[0]) if documents else None

    async def version(self, org_id: UUID, name: str, version: int) -> EventSchema | None:
        """A version for a name; None without it."""
        with store_errors():
            wanted = {"org_id": org_id, "_id": key_of(org_id, name, version)}
            found = await self._versions.find_one(wanted, max_time_ms=MAX_TIME_MS)
        return _schema(found) if found is not None else None

    async def names(self, org_id: UUID) -> int:
        """For how many names there are schemas."""
        with store_errors():
            return await self._in_force.count_documents({"org_id": org_id}, maxTimeMS=MAX_TIME_MS)

    async def publish(self, schema: EventSchema) -> None:
        """Keep a version, in force from now on. Raises PublishedMeanwhile when it is there already.

        When this ends between the two writes, publishing the same again, or the next version, mends it.
        """
        with store_errors():
            await self._versions.create_index([*_ORDER, ("version", ASCENDING)], unique=True)
            await self._in_force.create_index(_ORDER, unique=True)
            try:
                await self._versions.insert_one({"_id": schema.id, **_document(schema)})
            except DuplicateKeyError as error:
                raise PublishedMeanwhile from error
        await self.put_in_force(schema)

    async def put_in_force(self, schema: EventSchema) -> None:
        """Have events be checked against a version that is kept, unless a newer one is in force. Safe to repeat."""
        with store_errors():
            older = {
                "org_id": schema.org_id,
                "_id": key_of(schema.org_id, schema.name, 0),
                "version": {"$lt": schema.version},
            }
            try:
                await self._in_force.update_one(older, {"$set": _document(schema)}, upsert=True)
            except DuplicateKeyError:
                return  # a newer one is in force

    async def _found(self, wanted: Mapping[str, Any], *, limit: int) -> Sequence[EventSchema]:
        with store_errors():
            cursor = self._in_force.find(wanted).sort(_ORDER).limit(limit).max_time_ms(MAX_TIME_MS)
            return [_schema(document) for document in await cursor.to_list()]


def _document(schema: EventSchema) -> Document:
    return {**schema.model_dump(exclude={"id"}), "document": orjson.dumps(schema.document).decode()}


def _schema(document: Document) -> EventSchema:
    said = {name: value for name, value in document.items() if name != "_id"}
    version = int(said["version"])
    key = key_of(said["org_id"], said["name"], version)
    return EventSchema(**{**said, "id": key, "document": orjson.loads(said["document"])})
