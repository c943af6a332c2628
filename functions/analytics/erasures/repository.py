"""Erased people in MongoDB: a keyed hash of each in `erased_people`, a key of each organization in `erasure_keys`.

Nobody's id is kept: without the organization's key no hash can be tried against a list of names, and once the key is
deleted none can be at all. RFC 2104 (HMAC), with SHA-256.
"""

import hmac
import secrets
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase

from analytics.erasures.models import Person
from analytics.models import StoreUnavailable
from analytics.storage import MAX_TIME_MS, store_errors
from llmo_data.mongo import Document

PEOPLE: Final = "erased_people"
KEYS: Final = "erasure_keys"
_KEY_BYTES: Final = 32


class MongoErasures:
    """The erased people of all organizations. Everything raises StoreUnavailable, TooSlow."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._people = database[PEOPLE]
        self._keys = database[KEYS]
        self._known: dict[UUID, bytes] = {}

    async def remember(self, org_id: UUID, person: Person, *, at: datetime) -> None:
        """Whatever is kept from now on of this person is to be found by `among`. Safe to repeat."""
        key = await self._key(org_id)
        with store_errors():
            await self._people.update_one(
                {"_id": _hash(key, org_id, person)}, {"$setOnInsert": {"org_id": org_id, "erased_at": at}}, upsert=True
            )

    async def among(self, org_id: UUID, people: Iterable[Person]) -> Collection[Person]:
        """Those of these people who were erased."""
        asked = set(people)
        if not asked:
            return ()
        key = await self._found_key(org_id)
        if key is None:  # nobody ever was
            return ()
        hashes = {_hash(key, org_id, person): person for person in asked}
        with store_errors():
            found = self._people.find({"_id": {"$in": list(hashes)}}, {"_id": 1}).max_time_ms(MAX_TIME_MS)
            return {hashes[each["_id"]] async for each in found}

    async def _found_key(self, org_id: UUID) -> bytes | None:
        if org_id not in self._known:
            with store_errors():
                found = await self._keys.find_one({"_id": org_id}, max_time_ms=MAX_TIME_MS)
            if found is None:
                return None
            self._known[org_id] = found["key"]
        return self._known[org_id]

    async def _key(self, org_id: UUID) -> bytes:
        with store_errors():
            found = await self._keys.find_one_and_update(
                {"_id": org_id},
                {"$setOnInsert": {"key": secrets.token_bytes(_KEY_BYTES)}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        if found is None:  # an upsert has always something to give
            raise StoreUnavailable
        key: bytes = found["key"]
        return key


def _hash(key: bytes, org_id: UUID, person: Person) -> bytes:
    said = f"{org_id} {person.kind} {person.id}".encode("utf-8", "surrogatepass")
    return hmac.digest(key, said, "sha256")
