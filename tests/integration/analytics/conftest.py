import socket
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from pymongo.asynchronous.database import AsyncDatabase

from analytics.usage.repository import MongoUsageStore
from llmo_core.clock import SystemClock
from llmo_data import mongo
from llmo_data.mongo import Document
from tests.fakes.secrets_manager import FakeSecretsManager
from tests.integration.analytics.rolled import Platform


@pytest_asyncio.fixture(scope="session")
async def mongodb(mongodb_uri: str, mongodb_database: str) -> AsyncIterator[AsyncDatabase[Document]]:
    database = mongo.connect(mongodb_uri, mongodb_database)
    yield database
    await database.client.close()


@pytest_asyncio.fixture(scope="session")
async def store(mongodb: AsyncDatabase[Document]) -> MongoUsageStore:
    return MongoUsageStore(mongodb, clock=SystemClock())


@pytest.fixture
def platform(mongodb: AsyncDatabase[Document]) -> Platform:
    return Platform(mongodb)


@pytest.fixture
def without_store(lambda_environment: pytest.MonkeyPatch, secrets: FakeSecretsManager) -> Iterator[None]:
    """MongoDB's address is one where nobody ever answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        secrets.secrets[f"llmo-tests/silent-{port}"] = f"mongodb://127.0.0.1:{port}/"
        lambda_environment.setenv("MONGODB_URI_SECRET", f"llmo-tests/silent-{port}")
        yield
