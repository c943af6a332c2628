"""The content log through its Lambda handler, as its queue starts it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from integration import contents
from integration.content_log import wiring
from llmo_core.ids import new_id
from llmo_core.loop import run
from llmo_data.postgres import Database, one
from tests.fakes.secrets_manager import FakeSecretsManager
from tests.integration.messaging.backbones import REGION, aws_client
from tests.integration.organizations import Org
from tests.integration.stores import Postgres

SAMPLE = Path(__file__).parents[3] / "events" / "ContentsFunction" / "content-recorded.json"
BUCKET = "llmo-test-contents-handler"
IDS = {"call": "01980a5e-7c00-7000-8000-000000000101", "org": "01980a5e-7c00-7000-8000-000000000001"}


@pytest_asyncio.fixture(autouse=True)
async def environment(
    lambda_environment: pytest.MonkeyPatch, postgres: Postgres, secrets: FakeSecretsManager, moto_url: str
) -> AsyncIterator[pytest.MonkeyPatch]:
    """The function's variables; its connections are closed afterwards."""
    queue = aws_client("sqs", moto_url).create_queue(QueueName=f"dead-{new_id().hex}")["QueueUrl"]
    s3 = aws_client("s3", moto_url)
    if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    variables = {
        **postgres.environment("llmo_integration"),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": secrets.url,
        "AWS_ENDPOINT_URL_S3": moto_url,
        "AWS_ENDPOINT_URL_SQS": moto_url,
        "CLAIMS_BUCKET": "llmo-tests-claims",
        "CONTENTS_BUCKET": BUCKET,
        "DEAD_LETTER_QUEUE_URL": queue,
    }
    for name, value in variables.items():
        lambda_environment.setenv(name, value)
    yield lambda_environment
    await asyncio.to_thread(lambda: run(wiring.close()))


async def handled(org: Org, call: str) -> dict[str, Any]:
    """What the function answers to the sample, for a call of an organization; it has a loop of its own."""
    text = SAMPLE.read_text().replace(IDS["call"], call).replace(IDS["org"], str(org.org_id))
    return await asyncio.to_thread(contents.handler, json.loads(text), None)


async def test_what_a_message_brings_is_kept_once(org: Org, postgres: Postgres, moto_url: str) -> None:
    call = new_id()

    answers = [await handled(org, str(call)) for _ in range(2)]

    assert answers == [{"batchItemFailures": []}] * 2
    database = Database(postgres.conninfo("llmo_integration"))
    async with database.transaction(org.org_id) as connection:
        row = await one(connection, "SELECT redacted FROM integration.call_contents WHERE id = %(id)s", id=call)
    await database.close()
    assert row == {"redacted": True}
    kept = aws_client("s3", moto_url).get_object(Bucket=BUCKET, Key=f"contents/30d/{org.org_id}/{call}")
    assert "[EMAIL]" in json.loads(kept["Body"].read())["request"]


async def test_without_the_bucket_the_message_stays_on_the_queue(org: Org, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CONTENTS_BUCKET", "llmo-no-such-bucket")

    answer = await handled(org, str(new_id()))

    assert len(answer["batchItemFailures"]) == 1
