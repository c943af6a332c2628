"""The hot path's Redis client, against a real server."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from llmo_core.ids import new_id_text
from llmo_data.pipelined_redis import PipelinedRedis


@pytest_asyncio.fixture
async def client(redis_url: str) -> AsyncIterator[PipelinedRedis]:
    client = PipelinedRedis(redis_url, timeout_seconds=5)
    yield client
    await client.aclose()


async def client_id(client: PipelinedRedis) -> int:
    return int(await client.call("CLIENT", "ID"))


async def test_every_task_gets_its_own_reply(client: PipelinedRedis) -> None:
    replies = await asyncio.gather(*(client.call("ECHO", f"message {number}") for number in range(2_000)))
    assert replies == [f"message {number}".encode() for number in range(2_000)]


async def test_all_tasks_share_one_connection(client: PipelinedRedis) -> None:
    assert len(set(await asyncio.gather(*(client_id(client) for _ in range(50))))) == 1


async def test_bytes_come_back_as_they_went(client: PipelinedRedis) -> None:
    name, value = new_id_text(), bytes(range(256)) * 5_000
    await client.call("SET", name, value, "PX", 60_000)
    assert await client.call("GET", name) == value
    assert await client.call("GET", new_id_text()) is None


async def test_an_error_reply_fails_its_own_command_only(client: PipelinedRedis) -> None:
    commands = (["PING"], ["NONESUCH"], ["ECHO", "still here"])
    replies = await asyncio.gather(*(client.call(*command) for command in commands), return_exceptions=True)
    assert replies[0] == b"PONG"
    assert isinstance(replies[1], ResponseError)
    assert replies[2] == b"still here"


async def test_an_unknown_script_is_told_apart(client: PipelinedRedis) -> None:
    with pytest.raises(NoScriptError):
        await client.call("EVALSHA", "0" * 40, 0)


async def test_a_cancelled_task_takes_nobody_elses_reply(client: PipelinedRedis) -> None:
    leaver = asyncio.create_task(client.call("ECHO", "for nobody"))
    stayer = asyncio.create_task(client.call("ECHO", "for me"))
    await asyncio.sleep(0)
    leaver.cancel()
    assert await stayer == b"for me"


async def test_a_lost_connection_fails_what_is_under_way_and_the_next_command_connects_again(
    client: PipelinedRedis, redis_url: str
) -> None:
    lost = await client_id(client)
    waiting = asyncio.create_task(client.call("BLPOP", new_id_text(), 0))
    other = PipelinedRedis(redis_url)
    await other.call("CLIENT", "KILL", "ID", lost)
    with pytest.raises(RedisConnectionError):
        await waiting
    assert await client_id(client) != lost
    await other.aclose()


async def test_a_server_that_does_not_answer_is_given_up(redis_url: str) -> None:
    client = PipelinedRedis(redis_url, timeout_seconds=0.05)
    with pytest.raises(RedisTimeoutError):
        await client.call("BLPOP", new_id_text(), 0)
    assert await client.call("PING") == b"PONG"
    await client.aclose()


async def test_no_server_is_a_connection_error() -> None:
    client = PipelinedRedis("redis://127.0.0.1:9/0")
    with pytest.raises(RedisConnectionError):
        await client.call("PING")


async def test_user_password_and_database_of_the_url_are_used(client: PipelinedRedis, redis_url: str) -> None:
    user = f"user-{new_id_text()}"
    await client.call("ACL", "SETUSER", user, "on", ">secret", "~*", "&*", "+@all")
    address = redis_url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    named = PipelinedRedis(f"redis://{user}:secret@{address}/3")
    assert await named.call("ACL", "WHOAMI") == user.encode()
    assert b" db=3 " in await named.call("CLIENT", "INFO")
    await named.aclose()
    await client.call("ACL", "DELUSER", user)
    stranger = PipelinedRedis(f"redis://{user}:secret@{address}")
    with pytest.raises(ResponseError):
        await stranger.call("PING")
