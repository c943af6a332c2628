import socket
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
import pytest_asyncio
from botocore.config import Config
from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase

from analytics.anomalies import repository as anomaly_repository
from analytics.exports import repository as export_repository
from analytics.live import repository as live_repository
from analytics.reports import run_repository
from analytics.usage.repository import MongoUsageStore
from llmo_core.clock import SystemClock
from llmo_data import mongo
from llmo_data.mongo import Document
from tests.fakes.secrets_manager import FakeSecretsManager
from tests.integration.analytics.rolled import Platform

FILES_BUCKET = "llmo-tests-analytics-files"


@pytest.fixture(scope="session", autouse=True)
def undying() -> None:
    """Nothing ends by itself: tests live in August 2026, and MongoDB deletes what ends before the real present."""
    for repository in (anomaly_repository, export_repository, live_repository, run_repository):
        indexes: list[IndexModel] = vars(repository)["INDEXES"]
        indexes[:] = [each for each in indexes if "expireAfterSeconds" not in each.document]


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


@pytest.fixture(scope="session")
def s3(moto_url: str) -> Callable[[], Any]:
    @cache
    def client() -> Any:
        signed = Config(signature_version="s3v4")  # as llmo_data.objects has its own signed
        return boto3.client(
            "s3",
            endpoint_url=moto_url,
            region_name="eu-west-1",
            aws_access_key_id="AKIA",
            aws_secret_access_key="x",
            config=signed,
        )

    client().create_bucket(Bucket=FILES_BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return client
