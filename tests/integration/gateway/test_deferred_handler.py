"""The worker through its Lambda handler, as queues and schedules start it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from integration import deferred
from integration.gateway.deferral.models import batch_id_of
from llmo_core.ids import new_id
from llmo_core.loop import run
from tests.fakes.secrets_manager import FakeSecretsManager
from tests.integration.gateway.deferring import jsonl, line, upload
from tests.integration.gateway.platform import FILES_BUCKET, KEY_ARN, Platform
from tests.integration.messaging.backbones import REGION, aws_client
from tests.integration.organizations import Org
from tests.integration.stores import Postgres

pytestmark = pytest.mark.usefixtures("files_bucket")
EVENTS = Path(__file__).parents[3] / "events" / "DeferredFunction"


@pytest_asyncio.fixture(autouse=True)
async def environment(
    lambda_environment: pytest.MonkeyPatch,
    postgres: Postgres,
    secrets: FakeSecretsManager,
    platform: Platform,
    moto_url: str,
) -> AsyncIterator[pytest.MonkeyPatch]:
    """The worker's variables; its connections are closed afterwards."""
    secrets.secrets["llmo-tests/upstream"] = "sk-provider"
    client = aws_client("sqs", moto_url)
    variables = {
        **postgres.environment("llmo_integration"),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": secrets.url,
        "AWS_ENDPOINT_URL_S3": moto_url,
        "AWS_ENDPOINT_URL_SQS": moto_url,
        "CLAIMS_BUCKET": "llmo-tests-claims",
        "FILES_BUCKET": FILES_BUCKET,
        "DEAD_LETTER_QUEUE_URL": client.create_queue(QueueName=f"dead-{new_id().hex}")["QueueUrl"],
        "UPSTREAM_BASE_URL": platform.settings.upstream_base_url,
        "UPSTREAM_API_KEY_SECRET": "llmo-tests/upstream",
        "DATA_KEY_ARN": KEY_ARN,
    }
    for name, value in variables.items():
        lambda_environment.setenv(name, value)
    yield lambda_environment
    await asyncio.to_thread(lambda: run(deferred.close()))


async def handled(event: dict[str, Any]) -> dict[str, Any]:
    """What the worker answers; it has a loop of its own."""
    return await asyncio.to_thread(deferred.handler, event, None)


def news(sample: str, org: Org, batch: str) -> dict[str, Any]:
    """A sample event about a batch."""
    text = (EVENTS / sample).read_text()
    for placeholder, value in {
        "01980a5e-7c00-7000-8000-000000000201": batch_id_of(batch),
        "01980a5e-7c00-7000-8000-000000000001": org.org_id,
    }.items():
        text = text.replace(placeholder, str(value))
    event: dict[str, Any] = json.loads(text)
    return event


async def batch_of(platform: Platform, org: Org) -> str:
    client = platform.client(org)
    file = await upload(client, jsonl(line("a", model="gpt-4o-mini")))
    made = await client.batches.create(input_file_id=file, endpoint="/v1/chat/completions", completion_window="24h")
    return made.id


async def test_a_message_starts_a_batch_and_its_repetition_does_nothing(
    platform: Platform, org: Org, secrets: FakeSecretsManager
) -> None:
    name = await batch_of(platform, org)

    answers = [await handled(news("batch-created.json", org, name)) for _ in range(2)]

    assert answers == [{"batchItemFailures": []}] * 2
    assert (await platform.client(org).batches.retrieve(name)).status == "completed"
    kinds = [event["type"] for event in secrets.events_of(org.org_id)]
    assert kinds.count("llmo.integration.usage.recorded") == 1
    assert kinds.count("llmo.integration.batch.completed") == 1


async def test_the_schedule_moves_on_what_waits(platform: Platform, org: Org) -> None:
    name = await batch_of(platform, org)
    tick = json.loads((EVENTS / "every-minute.json").read_text())

    while (await platform.client(org).batches.retrieve(name)).status != "completed":
        assert (await handled(tick))["batches"] > 0


async def test_without_the_database_the_message_stays_on_the_queue(
    platform: Platform, org: Org, environment: pytest.MonkeyPatch
) -> None:
    name = await batch_of(platform, org)
    environment.setenv("DATABASE_PORT", "1")

    answer = await handled(news("batch-created.json", org, name))

    assert len(answer["batchItemFailures"]) == 1


async def test_news_of_a_batch_that_is_not_there_is_no_fault(org: Org) -> None:
    answer = await handled(news("batch-created.json", org, f"batch_{new_id().hex}"))

    assert answer == {"batchItemFailures": []}
