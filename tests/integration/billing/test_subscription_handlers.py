"""What is done without a caller, through its Lambda handlers, with the sample events of `events/`."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from billing import events_consumer, turns
from billing.subscriptions import workers
from llmo_core.loop import run
from local.aws.statemachines import make_state_machine
from tests.integration import lambda_calls
from tests.integration.stores import PASSWORD, Postgres


class Context:
    """Lambda's context of an invocation that has so long left."""

    def __init__(self, milliseconds: int = 120_000) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


@pytest.fixture(autouse=True)
def wired(postgres: Postgres, moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    queue = lambda_calls.moto_client("sqs", moto_url).create_queue(QueueName="billing-events-dead")["QueueUrl"]
    passes = json.dumps({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}})
    machine = make_state_machine(lambda_calls.moto_client("stepfunctions", moto_url), "passes", passes, "STANDARD")
    environment = {
        **postgres.environment("llmo_billing"),
        **lambda_calls.environment(moto_url, {"DATABASE_PASSWORD_SECRET": PASSWORD}),
        "DEAD_LETTER_QUEUE_URL": queue,
        "DUNNING_STATE_MACHINE": machine,
        "REFUND_STATE_MACHINE": machine,
        "SUBSCRIPTION_CHANGE_STATE_MACHINE": machine,
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield
    run(workers.close())


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((lambda_calls.EVENTS / f"{name}.json").read_text())
    return event


def test_the_schedule_turns_what_there_is_to_turn() -> None:
    event = sample("BillingTurnsFunction/every-quarter")
    assert turns.handler(event, Context())["subscriptions"] >= 0
    assert turns.handler(event, Context()) == {"subscriptions": 0}
    assert turns.handler(event, Context(5_000)) == {"subscriptions": 0}


def test_a_closed_organization_is_dealt_with_once() -> None:
    event = sample("BillingEventsFunction/organization-closed")
    assert [events_consumer.handler(event, None) for _ in range(2)] == [{"batchItemFailures": []}] * 2


@pytest.mark.parametrize("why", ["payment-failed", "overdue"])
def test_an_invoice_that_could_not_be_collected_starts_a_flow_once(why: str) -> None:
    event = sample(f"BillingEventsFunction/invoice-{why}")
    assert [events_consumer.handler(event, None) for _ in range(2)] == [{"batchItemFailures": []}] * 2


def test_what_cannot_be_read_is_buried(moto_url: str) -> None:
    event = sample("BillingEventsFunction/organization-closed")
    body = json.loads(event["Records"][0]["body"])
    del body["detail"]["data"]["org_id"]
    event["Records"][0]["body"] = json.dumps(body)
    assert events_consumer.handler(event, None) == {"batchItemFailures": []}
    sqs = lambda_calls.moto_client("sqs", moto_url)
    url = sqs.get_queue_url(QueueName="billing-events-dead")["QueueUrl"]
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
