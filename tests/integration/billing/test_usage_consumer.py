"""The usage consumer and the months' function through their Lambda handlers, with everything as it is wired."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from billing import wiring
from billing.usage_consumer import handler
from billing.usage_months import handler as months_handler
from llmo_core.ids import new_id
from llmo_core.loop import run
from llmo_messaging.claims import ClaimCheck, S3Claims
from llmo_messaging.envelope import Envelope
from tests.integration import lambda_calls
from tests.integration.billing.using import Using, call
from tests.integration.dead_letters import DeadLetterQueue
from tests.integration.lambda_calls import moto_client
from tests.integration.stores import PASSWORD, Postgres

EVENTS = lambda_calls.EVENTS / "BillingUsageFunction"
OPERATOR = UUID(int=77)


@pytest.fixture(scope="module")
def dead_letter_queue(moto_url: str) -> DeadLetterQueue:
    return DeadLetterQueue.made(moto_client("sqs", moto_url))


@pytest.fixture(autouse=True)
def wired(
    postgres: Postgres, moto_url: str, dead_letter_queue: DeadLetterQueue, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    environment = {
        **postgres.environment("llmo_billing"),
        **lambda_calls.environment(moto_url, {"DATABASE_PASSWORD_SECRET": PASSWORD}),
        "AWS_DEFAULT_REGION": "eu-west-1",
        "OPERATOR_ORG_ID": str(OPERATOR),
        "DEAD_LETTER_QUEUE_URL": dead_letter_queue.url,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("API_KEY_PEPPER_SECRET", raising=False)  # the consumer has no use for it
    yield
    run(wiring.close())


def quantity(org_id: UUID, code: str) -> int:
    return int(run(Using(wiring.database(), OPERATOR).quantity(org_id, code)))


@pytest.fixture
def meter(wired: None) -> str:
    """The code of a meter of calls."""
    assert wired is None
    code = f"m{new_id().hex}"
    run(Using(wiring.database(), OPERATOR).make(code=code))
    return code


def message(envelope: Envelope, number: int) -> dict[str, Any]:
    detail = json.loads(envelope.to_json())
    body = {"version": "0", "detail-type": envelope.type, "source": envelope.source, "detail": detail}
    return {"messageId": f"message-{number}", "body": json.dumps(body)}


def batch(*envelopes: Envelope) -> dict[str, Any]:
    return {"Records": [message(envelope, number) for number, envelope in enumerate(envelopes)]}


def failed(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def kept(org_id: UUID) -> list[dict[str, Any]]:
    return run(Using(wiring.database(), OPERATOR).kept(org_id))


def test_the_sample_batch_is_kept_once_however_often_and_by_whatever_bus_it_comes() -> None:
    sample = json.loads((EVENTS / "usage-recorded.json").read_text())
    org_id = UUID(json.loads(sample["Records"][0]["body"])["detail"]["orgid"])

    assert failed(handler(sample, None)) == failed(handler(sample, None)) == []
    assert handler(json.loads((EVENTS / "usage-recorded-rabbitmq.json").read_text()), None) == {}

    assert len(kept(org_id)) == 3


def test_calls_are_counted_once_when_the_consumer_died_before_it_could_say_so(meter: str) -> None:
    org_id = new_id()
    delivery = batch(*(call(org_id) for _ in range(5)))
    handler(delivery, None)  # committed; nobody hears the answer
    run(wiring.close())

    assert failed(handler(delivery, None)) == []

    assert quantity(org_id, meter) == 5


def test_a_malformed_call_goes_to_the_dead_letter_queue_alone_and_with_the_reason(
    dead_letter_queue: DeadLetterQueue, meter: str
) -> None:
    org_id = new_id()
    malformed = call(org_id, cost_usd="much")

    assert failed(handler(batch(call(org_id), malformed, call(org_id)), None)) == []

    assert quantity(org_id, meter) == 2
    dead = dead_letter_queue.taken()
    assert json.loads(dead["Body"])["detail"]["id"] == str(malformed.id)
    assert dead["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"].startswith("cost_usd")


def test_a_call_whose_data_was_too_large_for_a_message_is_counted(moto_url: str, meter: str) -> None:
    s3 = moto_client("s3", moto_url)
    s3.create_bucket(Bucket="claims", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    org_id = new_id()
    claims = S3Claims("claims", client=lambda: s3)
    text = run(ClaimCheck(lambda: claims, largest_bytes=100)(call(org_id)))

    assert failed(handler(batch(Envelope.model_validate_json(text)), None)) == []

    assert quantity(org_id, meter) == 1


def test_a_call_that_comes_after_its_note_was_forgotten_is_not_counted_again_and_holds_up_no_other(
    postgres: Postgres, meter: str
) -> None:
    org_id = new_id()
    old = call(org_id)
    handler(batch(old), None)
    with psycopg.connect(make_conninfo("", **postgres.admin)) as relay:
        relay.execute("DELETE FROM billing.inbox WHERE event_id = %s", (old.id,))

    assert failed(handler(batch(call(org_id), old, call(org_id)), None)) == ["message-1"]

    assert quantity(org_id, meter) == 3


def test_without_the_database_every_message_stays_on_the_queue(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DATABASE_PORT", "1")

    assert failed(handler(batch(call(new_id()), call(new_id())), None)) == ["message-0", "message-1"]

    assert "batch failed" in caplog.text


def test_the_sample_of_every_day_makes_the_months_that_are_missing() -> None:
    sample = json.loads((lambda_calls.EVENTS / "BillingMonthsFunction" / "every-day.json").read_text())

    assert months_handler(sample, None) == {"made": 0, "dropped": 0}
