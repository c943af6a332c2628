"""The consumer of billing's terms through its Lambda handler, as its queue starts it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
import pytest_asyncio

from integration import terms
from integration.billing_terms import wiring
from llmo_core.ids import new_id
from llmo_core.loop import run
from tests.fakes.secrets_manager import FakeSecretsManager
from tests.integration.gateway.platform import HELLO, Platform
from tests.integration.messaging.backbones import REGION, aws_client
from tests.integration.organizations import Org
from tests.integration.stores import Postgres

SAMPLE = Path(__file__).parents[3] / "events" / "BillingTermsFunction" / "terms.json"
SAMPLE_ORG = "01980a5e-7c00-7000-8000-000000000001"


@pytest_asyncio.fixture(autouse=True)
async def queue(
    lambda_environment: pytest.MonkeyPatch, postgres: Postgres, secrets: FakeSecretsManager, moto_url: str
) -> AsyncIterator[str]:
    """The dead-letter queue; the function's connections are closed afterwards."""
    url: str = aws_client("sqs", moto_url).create_queue(QueueName=f"dead-{new_id().hex}")["QueueUrl"]
    variables = {
        **postgres.environment("llmo_integration"),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": secrets.url,
        "AWS_ENDPOINT_URL_SQS": moto_url,
        "CLAIMS_BUCKET": "llmo-tests-claims",
        "DEAD_LETTER_QUEUE_URL": url,
    }
    for name, value in variables.items():
        lambda_environment.setenv(name, value)
    yield url
    await asyncio.to_thread(lambda: run(wiring.close()))


async def handled(text: str, org: Org) -> dict[str, Any]:
    """What the function answers to a sample, for an organization; it has a loop of its own."""
    return await asyncio.to_thread(terms.handler, json.loads(text.replace(SAMPLE_ORG, str(org.org_id))), None)


async def test_what_a_batch_says_counts_at_the_next_call_however_often_it_comes(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    await client.chat.completions.create(model="gpt-4o-mini", messages=HELLO)

    answers = [await handled(SAMPLE.read_text(), org) for _ in range(2)]

    assert answers == [{"batchItemFailures": []}] * 2
    with pytest.raises(openai.PermissionDeniedError):
        await client.chat.completions.create(model="gpt-4o-mini", messages=HELLO)


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ('\\"limit_usd\\":\\"500.00\\"', '\\"limit_usd\\":\\"-1\\"'),
        ('\\"limit_usd\\":\\"500.00\\"', '\\"limit_usd\\":\\"9000000.01\\"'),
        ('\\"limit_usd\\":\\"500.00\\"', '\\"limit_usd\\":\\"NaN\\"'),
        ('\\"since\\":\\"2026-08-17T10:15:00Z\\"', '\\"since\\":null'),
        ('\\"revision\\":2', '\\"revision\\":0'),
    ],
)
async def test_what_cannot_be_is_buried_and_holds_up_nothing_else(
    platform: Platform, org: Org, queue: str, moto_url: str, said: str, wrong: str
) -> None:
    text = SAMPLE.read_text().replace("service.suspended", "service.restricted")
    assert said in text

    assert await handled(text.replace(said, wrong), org) == {"batchItemFailures": []}

    sqs = aws_client("sqs", moto_url)
    assert len(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]) == 1
    await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO, max_tokens=5)


async def test_without_the_database_the_messages_stay_on_the_queue(
    org: Org, lambda_environment: pytest.MonkeyPatch
) -> None:
    lambda_environment.setenv("DATABASE_PORT", "9")

    assert len((await handled(SAMPLE.read_text(), org))["batchItemFailures"]) == 3
