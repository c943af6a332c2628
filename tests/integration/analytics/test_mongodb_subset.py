"""What analytics takes for granted of a MongoDB, asked of the one that is configured: the embedded one, or yours."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pymongo import ASCENDING, DESCENDING, DeleteOne, IndexModel, ReplaceOne, ReturnDocument, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError

from llmo_core.ids import new_id
from llmo_data.mongo import Document

type Things = AsyncCollection[Document]


@pytest.fixture
async def things(mongodb: AsyncDatabase[Document]) -> Things:
    """A collection of its own, whose first twenty documents are alternately of two organizations."""
    found = mongodb[f"things_{new_id().hex}"]
    await found.insert_many([{"_id": at, "org": at % 2, "at": at, "of": {"model": f"m{at % 3}"}} for at in range(20)])
    return found


async def ids(found: Any) -> Sequence[Any]:
    return [each["_id"] async for each in found]


async def test_an_unordered_insert_keeps_all_but_those_that_are_there(things: Things) -> None:
    with pytest.raises(BulkWriteError) as refused:
        await things.insert_many([{"_id": 3}, {"_id": 20}, {"_id": 20}, {"_id": 21}], ordered=False)

    details = refused.value.details
    assert (details["nInserted"], [each["code"] for each in details["writeErrors"]]) == (2, [11000, 11000])
    assert [each["index"] for each in details["writeErrors"]] == [0, 2]
    assert await things.count_documents({"_id": {"$gte": 20}}) == 2


async def test_ranges_are_read_in_order_a_part_at_a_time(things: Things) -> None:
    await things.create_indexes([IndexModel([("org", ASCENDING), ("at", ASCENDING)])])
    wanted = {"org": 1, "at": {"$gt": 5, "$lte": 17}}

    forward = things.find(wanted, {"at": 1}).sort([("at", ASCENDING), ("_id", ASCENDING)]).limit(3).max_time_ms(5000)
    backward = things.find(wanted).sort("at", DESCENDING).limit(2)

    assert await forward.to_list() == [{"_id": at, "at": at} for at in (7, 9, 11)]
    assert await ids(backward) == [17, 15]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"$or": [{"_id": 1}, {"at": {"$gte": 19}}]}, [1, 19]),
        ({"$and": [{"at": {"$lt": 6}}, {"org": {"$ne": 1}}]}, [0, 2, 4]),
        ({"_id": {"$in": [2, 3, 99]}}, [2, 3]),
        ({"at": {"$not": {"$gt": 0}}}, [0]),
        ({"of.model": "m0", "at": {"$lt": 7}}, [0, 3, 6]),
        ({"nothing": None, "at": 5}, [5]),
    ],
)
async def test_conditions_mean_the_same_everywhere(things: Things, wanted: Document, found: Sequence[int]) -> None:
    assert await ids(things.find(wanted).sort("_id", ASCENDING)) == found


async def test_groups_add_up_and_keep_the_least_and_the_largest(things: Things) -> None:
    group = {"_id": {"org": "$org", "model": "$of.model"}, "sum": {"$sum": "$at"}, "n": {"$sum": 1}}
    pipeline: list[Document] = [
        {"$match": {"at": {"$lt": 12}}},
        {"$group": {**group, "first": {"$min": "$at"}, "last": {"$max": "$at"}}},
        {"$sort": {"sum": -1}},
        {"$limit": 2},
    ]

    found = await (await things.aggregate(pipeline, maxTimeMS=5000)).to_list()

    assert found == [
        {"_id": {"org": 1, "model": "m2"}, "sum": 16, "n": 2, "first": 5, "last": 11},
        {"_id": {"org": 0, "model": "m1"}, "sum": 14, "n": 2, "first": 4, "last": 10},
    ]


async def test_numbers_of_64_bits_add_up_exactly(things: Things) -> None:
    largest = 2**62
    await things.insert_many([{"_id": f"large {n}", "cost": n} for n in (largest, largest - 1)])

    found = await things.aggregate(
        [{"$match": {"cost": {"$gt": 0}}}, {"$group": {"_id": None, "sum": {"$sum": "$cost"}}}]
    )

    assert (await found.to_list())[0]["sum"] == 2 * largest - 1


async def test_an_upsert_makes_what_is_not_there_and_changes_what_is(things: Things) -> None:
    change = {"$inc": {"n": 1}, "$max": {"hour": 5}, "$min": {"least": 5}, "$setOnInsert": {"made": True}}
    for _ in range(2):
        await things.update_one({"_id": "mark"}, change, upsert=True)
    await things.update_one({"_id": "mark"}, {"$max": {"hour": 4}, "$min": {"least": 6}, "$unset": {"made": ""}})

    assert await things.find_one({"_id": "mark"}) == {"_id": "mark", "n": 2, "hour": 5, "least": 5}


async def test_a_lease_is_taken_by_one(things: Things) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    free, taken = {"_id": 1, "until": None}, {"$set": {"until": now + timedelta(minutes=3)}, "$inc": {"fence": 1}}

    first = await things.find_one_and_update(free, taken, return_document=ReturnDocument.AFTER) or {}
    second = await things.find_one_and_update(free, taken, return_document=ReturnDocument.AFTER)

    assert (first["fence"], first["until"].replace(tzinfo=UTC), second) == (1, now + timedelta(minutes=3), None)


async def test_a_fenced_upsert_of_an_older_one_fails_as_a_duplicate(things: Things) -> None:
    await things.replace_one({"_id": "unit"}, {"fence": 7}, upsert=True)

    with pytest.raises(DuplicateKeyError):
        await things.replace_one({"_id": "unit", "fence": {"$lt": 6}}, {"fence": 6}, upsert=True)
    await things.replace_one({"_id": "unit", "fence": {"$lt": 8}}, {"fence": 8}, upsert=True)

    assert (await things.find_one({"_id": "unit"}) or {})["fence"] == 8


async def test_writes_in_bulk_are_all_done(things: Things) -> None:
    done = await things.bulk_write(
        [
            ReplaceOne({"_id": 1}, {"x": 1}),
            ReplaceOne({"_id": "new"}, {"x": 2}, upsert=True),
            UpdateOne({"_id": 2}, {"$set": {"of.model": "other"}}),
            DeleteOne({"_id": 3}),
        ],
        ordered=False,
    )

    assert (done.upserted_count, done.deleted_count) == (1, 1)
    assert await things.find_one({"_id": 1}) == {"_id": 1, "x": 1}
    assert (await things.find_one({"_id": 2}) or {})["of"] == {"model": "other"}


async def test_a_unique_index_refuses_the_second_and_a_sparse_one_lets_those_without_be(things: Things) -> None:
    await things.create_indexes([IndexModel([("slot", ASCENDING)], unique=True, sparse=True)])
    await things.insert_one({"_id": "one", "slot": 1})

    with pytest.raises(DuplicateKeyError):
        await things.insert_one({"_id": "other", "slot": 1})
    await things.update_one({"_id": "one"}, {"$unset": {"slot": ""}})
    await things.insert_one({"_id": "other", "slot": 1})


async def test_an_index_that_is_there_is_made_again_without_a_word(things: Things) -> None:
    indexes = [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0), IndexModel([("org", 1), ("at", -1)])]
    names = await things.create_indexes(indexes)

    assert await things.create_indexes(indexes) == names
    assert (await things.index_information())["expires_at_1"]["expireAfterSeconds"] == 0


async def test_values_come_back_as_they_were(things: Things) -> None:
    moment = datetime(2026, 8, 1, 12, 30, 15, 123000, tzinfo=UTC)
    kept = {
        "_id": "kept",
        "id": new_id(),
        "bytes": b"\x00\xff",
        "large": 2**63 - 1,
        "list": [1.5, None, True],
        "at": moment,
    }
    await things.insert_one(dict(kept))

    found = await things.find_one({"_id": "kept"}) or {}

    assert isinstance(found["id"], UUID)
    assert {**found, "at": found["at"].replace(tzinfo=UTC)} == kept


async def test_what_is_deleted_is_gone_and_told(things: Things) -> None:
    assert (await things.delete_many({"org": 1, "at": {"$lt": 10}})).deleted_count == 5
    assert (await things.delete_one({"_id": 0})).deleted_count == 1
    assert (await things.update_many({"org": 0}, {"$set": {"org": 2}})).modified_count == 9
    assert await things.count_documents({}) == 14
