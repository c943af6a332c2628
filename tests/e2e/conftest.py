"""One laptop stack for the whole session, and what tests use of it.

It runs on the stores that DATABASE_URL, REDIS_URL and MONGODB_URI name, else on its own; always with the fake upstream.
"""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio

from local.stores.rabbitmq import rabbitmq_installed
from tests.e2e.messages import MixedBatch, send_mixed_batch
from tests.e2e.platform import Key, Platform
from tests.e2e.stack import Stack, shared_stack

collect_ignore = [] if rabbitmq_installed() else ["test_rabbitmq.py"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Under `xdist --dist loadgroup` all of these run in one process; under any other mode they share the stack."""
    for item in items:
        if "tests/e2e" in item.path.as_posix():
            item.add_marker(pytest.mark.xdist_group("e2e"))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Stack]:
    folder = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    folder = folder / "e2e"
    folder.mkdir(exist_ok=True)
    with shared_stack(folder) as stack:
        yield stack


@pytest_asyncio.fixture(scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield session


@pytest_asyncio.fixture(scope="session")
async def platform(stack: Stack, http: aiohttp.ClientSession) -> AsyncIterator[Platform]:
    """The platform with the demo key, which may do everything."""
    platform = Platform(stack, http, stack.demo["api_key"])
    yield platform
    await platform.close()


@pytest_asyncio.fixture
async def key(platform: Platform) -> Key:
    """A fresh key without limits that may call models and nothing else: its usage is exactly the test's."""
    return await platform.make_key()


@pytest_asyncio.fixture(scope="session", autouse=True)
async def mixed_batch(platform: Platform) -> MixedBatch:
    """Messages for analytics, one of them malformed, sent before the first test: its redeliveries take a while."""
    return await send_mixed_batch(platform)
