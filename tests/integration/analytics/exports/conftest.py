from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from pymongo.asynchronous.database import AsyncDatabase

from llmo_data.mongo import Document
from tests.integration.analytics.exports.exporting import Exporting

BUCKET = "llmo-tests-analytics-files"


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

    client().create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return client


@pytest.fixture
def exporting(mongodb: AsyncDatabase[Document], s3: Callable[[], Any]) -> Exporting:
    """A new organization without calls."""
    return Exporting(mongodb, BUCKET, s3)
