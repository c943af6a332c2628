"""The worker of webhooks through its Lambda handler, as queues and schedules start it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from integration import webhooks
from integration.aws_calls import AwsCalls
from integration.webhook_delivery import wiring
from integration.webhook_messages.catalogue import EventType
from integration.webhook_messages.secrets import SigningSecrets
from llmo_core.aws import JsonService
from llmo_core.envelope_encryption import EnvelopeEncryption
from llmo_core.ids import new_id
from llmo_core.kms import Kms
from llmo_core.loop import run
from tests.integration.management.calling import Caller, Management
from tests.integration.management.receiving import Receiver, deliveries
from tests.integration.messaging.backbones import REGION, aws_client
from tests.integration.organizations import Org
from tests.integration.stores import PASSWORD, Postgres

EVENTS = Path(__file__).parents[3] / "events" / "WebhooksFunction"


class Context:
    """Lambda's context of an invocation that has just begun."""

    def get_remaining_time_in_millis(self) -> int:
        return 120_000


@pytest_asyncio.fixture(autouse=True)
async def environment(
    postgres: Postgres, management: Management, moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[pytest.MonkeyPatch]:
    """The worker's variables, of a stand-in for all of AWS, and webhooks' secrets under its key.

    The worker's connections are closed afterwards.
    """
    name = new_id().hex
    password = aws_client("secretsmanager", moto_url).create_secret(Name=name, SecretString=PASSWORD)["ARN"]
    key = aws_client("kms", moto_url).create_key()["KeyMetadata"]["Arn"]
    queue = aws_client("sqs", moto_url).create_queue(QueueName=f"dead-{name}")["QueueUrl"]
    variables = postgres.environment("llmo_integration") | {
        "DATABASE_PASSWORD_SECRET": password,
        "STAGE": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": moto_url,
        "EVENT_BUS_NAME": "default",
        "CLAIMS_BUCKET": "claims",
        "DEAD_LETTER_QUEUE_URL": queue,
        "DATA_KEY_ARN": key,
        "ALLOW_PRIVATE_PROVIDERS": "true",
    }
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    calls, service = AwsCalls(), JsonService("kms", "TrentService", REGION, moto_url)
    management.secrets = SigningSecrets(EnvelopeEncryption(Kms(service=service, key_arn=key, post=calls.post)))
    yield monkeypatch
    await calls.close()
    await asyncio.to_thread(lambda: run(wiring.close()))


async def handled(event: dict[str, Any]) -> dict[str, Any]:
    """What the worker answers; it has a loop of its own."""
    return await asyncio.to_thread(webhooks.handler, event, Context())


def told(org: Org, event_id: str) -> dict[str, Any]:
    """The sample event, of an organization."""
    text = (EVENTS / "batch-completed.json").read_text()
    text = text.replace("01980a5e-7c00-7000-8000-000000000101", event_id)
    event: dict[str, Any] = json.loads(text.replace("01980a5e-7c00-7000-8000-000000000001", str(org.org_id)))
    return event


async def test_a_message_is_sent_at_once_and_its_repetition_does_nothing(caller: Caller, receiver: Receiver) -> None:
    webhook = await caller.webhook(receiver.url(), event_types=[*EventType])
    event_id = str(new_id())

    answers = [await handled(told(caller.org, event_id)) for _ in range(2)]

    assert answers == [{"batchItemFailures": []}] * 2
    [(headers, body)] = receiver.got["/hooks"]
    assert (headers["webhook-id"], json.loads(body)["type"]) == (event_id, "batch.completed")
    assert json.loads(body)["data"]["output_file"] == "file-01980a5e7c0070008000000000000202"
    assert [each["status"] for each in await deliveries(caller, webhook)] == ["delivered"]


async def test_the_schedule_sends_what_is_due(caller: Caller, receiver: Receiver) -> None:
    webhook = await caller.webhook(receiver.url())
    await handled(told(caller.org, str(new_id())))
    [delivery] = await deliveries(caller, webhook)
    await caller("POST", f"webhooks/{webhook['id']}/deliveries/{delivery['id']}/retry")
    tick = json.loads((EVENTS / "every-minute.json").read_text())

    assert (await handled(tick))["messages"] >= 1
    assert len(receiver.got["/hooks"]) == 2


async def test_without_the_database_the_message_stays_on_the_queue(
    caller: Caller, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("DATABASE_PORT", "1")

    answer = await handled(told(caller.org, str(new_id())))

    assert len(answer["batchItemFailures"]) == 1


async def test_an_organization_without_webhooks_is_no_fault(caller: Caller) -> None:
    assert await handled(told(caller.org, str(new_id()))) == {"batchItemFailures": []}
