"""The stores that the laptop stack starts: they answer, they keep what was written, they leave nothing behind."""

import os
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psutil
import psycopg
import pytest
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from local.process import ServerProcess, StartError
from local.stores.mongodb import mongodb_store
from local.stores.postgres import postgres_store
from local.stores.redis import redis_store
from local.stores.store import Store


async def write_postgres(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("CREATE TABLE kept (value text)")
        await connection.execute("INSERT INTO kept VALUES ('here')")


async def read_postgres(url: str) -> str:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        row = await (await connection.execute("SELECT value FROM kept")).fetchone()
        assert row is not None
        return str(row[0])


async def write_redis(url: str) -> None:
    async with Redis.from_url(url) as client:
        await client.set("kept", "here")


async def read_redis(url: str) -> str:
    async with Redis.from_url(url, decode_responses=True) as client:
        return str(await client.get("kept"))


async def write_mongodb(url: str) -> None:
    async with AsyncMongoClient[dict[str, str]](url, serverMonitoringMode="poll") as client:
        await client["test"]["kept"].insert_one({"_id": "1", "value": "here"})


async def read_mongodb(url: str) -> str:
    async with AsyncMongoClient[dict[str, str]](url, serverMonitoringMode="poll") as client:
        document = await client["test"]["kept"].find_one({"_id": "1"})
        assert document is not None
        return document["value"]


def embedded(environment: dict[str, str]) -> dict[str, str]:
    named = ("DATABASE_URL", "REDIS_URL", "MONGODB_URI")
    return {name: value for name, value in environment.items() if name not in named}


type Make = Callable[[Path], Store]
type Case = tuple[str, Make, Callable[[str], Awaitable[None]], Callable[[str], Awaitable[str]]]

CASES: list[Case] = [
    (
        "postgres",
        lambda state: postgres_store(state, "pass@word", embedded({**os.environ})),
        write_postgres,
        read_postgres,
    ),
    ("redis", lambda state: redis_store(state, embedded({**os.environ})), write_redis, read_redis),
    ("mongodb", lambda state: mongodb_store(state, embedded({**os.environ})), write_mongodb, read_mongodb),
]


@pytest.fixture(params=CASES, ids=lambda case: case[0])
async def case(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Case]:
    yield request.param
    store: Store = request.param[1](tmp_path)
    await store.reset()


async def test_data_survives_a_stop_and_a_start(case: Case, tmp_path: Path) -> None:
    _, make, write, read = case
    store = make(tmp_path)
    await write(await store.start())
    await store.stop()
    try:
        assert await read(await store.start()) == "here"
    finally:
        await store.stop()


async def test_a_kill_of_the_stack_loses_no_data_and_leaves_no_second_server(case: Case, tmp_path: Path) -> None:
    name, make, write, read = case
    killed = make(tmp_path)
    await write(await killed.start())
    left_behind = psutil.Process(int((tmp_path / "run" / f"{name}.pid").read_text().split()[0]))
    store = make(tmp_path)
    try:
        assert await read(await store.start()) == "here"
        assert not left_behind.is_running() or left_behind.status() == psutil.STATUS_ZOMBIE
    finally:
        await store.stop()
        await killed.stop()


async def test_a_kill_of_the_server_loses_no_data(case: Case, tmp_path: Path) -> None:
    name, make, write, read = case
    killed = make(tmp_path)
    await write(await killed.start())
    os.kill(int((tmp_path / "run" / f"{name}.pid").read_text().split()[0]), signal.SIGKILL)
    await killed.stop()
    store = make(tmp_path)
    try:
        assert await read(await store.start()) == "here"
    finally:
        await store.stop()


async def test_a_stop_leaves_no_process_behind(case: Case, tmp_path: Path) -> None:
    name, make, _, _ = case
    store = make(tmp_path)
    await store.start()
    server = psutil.Process(int((tmp_path / "run" / f"{name}.pid").read_text().split()[0]))
    family = [server, *server.children(recursive=True)]
    await store.stop()
    assert not any(process.is_running() for process in family)


async def test_the_embedded_database_is_owned_by_a_role_that_is_no_superuser(tmp_path: Path) -> None:
    store = postgres_store(tmp_path, "pass@word", embedded({**os.environ}))
    try:
        async with await psycopg.AsyncConnection.connect(await store.start()) as connection:
            query = "SELECT rolname, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user"
            assert await (await connection.execute(query)).fetchone() == ("llmo_owner", False, True)
    finally:
        await store.stop()
        await store.reset()


async def test_a_deleted_state_folder_is_started_afresh_wherever_its_database_was(tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = postgres_store(state, "its password", embedded({**os.environ}))
    await first.start()
    await first.stop()
    shutil.rmtree(state)

    second = postgres_store(state, "another password", embedded({**os.environ}))
    try:
        await write_postgres(await second.start())
    finally:
        await second.stop()
        await second.reset()


async def test_a_named_server_that_does_not_answer_is_reported_by_the_variable_that_names_it(tmp_path: Path) -> None:
    store = redis_store(tmp_path, {"REDIS_URL": "redis://127.0.0.1:1/0"})
    with pytest.raises(StartError, match="REDIS_URL does not answer"):
        await store.start()


async def test_a_server_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    server = ServerProcess(
        "Doomed", ["sh", "-c", "echo my last words; exit 3"], log=tmp_path / "log", pid_file=tmp_path / "pid"
    )

    async def never() -> None:
        raise ConnectionRefusedError

    with pytest.raises(StartError, match="my last words"):
        await server.start(never)


async def test_a_server_that_ignores_the_polite_signal_is_killed_with_its_children(tmp_path: Path) -> None:
    script = "trap '' TERM; sleep 600 & touch started; while true; do wait; done"
    server = ServerProcess(
        "Hanging",
        ["sh", "-c", script],
        log=tmp_path / "log",
        pid_file=tmp_path / "pid",
        stop_seconds=0.2,
        cwd=tmp_path,
    )

    async def started() -> None:
        (tmp_path / "started").stat()

    await server.start(started)
    assert server.pid is not None
    process = psutil.Process(server.pid)
    family = [process, *process.children(recursive=True)]
    assert len(family) == 2
    await server.stop()
    assert not any(member.is_running() for member in family)
