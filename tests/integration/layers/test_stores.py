import asyncio
from datetime import UTC, datetime

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from llmo_core.ids import new_id
from llmo_data import mongo, redis


async def test_more_callers_than_redis_connections_wait_instead_of_failing(redis_url: str) -> None:
    client = redis.connect(redis_url, max_connections=2)
    name = f"counter:{new_id()}"

    await asyncio.gather(*(client.incr(name) for _ in range(50)))

    assert await client.get(name) == b"50"
    await client.aclose()


async def test_redis_that_does_not_answer_is_a_connection_error() -> None:
    client = redis.connect("redis://127.0.0.1:1/0")

    with pytest.raises(RedisConnectionError):
        await client.ping()
    await client.aclose()


async def test_mongodb_gives_back_ids_as_uuids_and_times_in_utc(mongodb_uri: str, mongodb_database: str) -> None:
    database = mongo.connect(mongodb_uri, mongodb_database)
    document = {"_id": new_id(), "at": datetime(2026, 8, 17, 10, 15, 30, 123_000, tzinfo=UTC)}

    await database["layers"].insert_one(document)

    assert await database["layers"].find_one({"_id": document["_id"]}) == document
    await database.client.close()
