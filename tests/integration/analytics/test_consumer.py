"""The usage consumer through its Lambda handler."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pymongo import MongoClient

from analytics import wiring
from analytics.consumer import handler
from llmo_core.ids import new_id
from llmo_core.loop import run
from llmo_messaging.claims import ClaimCheck, S3Claims
from llmo_messaging.envelope import Envelope
from tests.integration.analytics.calls import call
from tests.integration.dead_letters import DeadLetterQueue
from tests.integration.messaging.backbones import REGION, aws_client

EVENTS = Path(__file__).parents[3] / "events" / "AnalyticsConsumerFunction"

type Documents = list[dict[str, Any]]


@pytest.fixture(scope="module")
def dead_letter_queue(moto_url: str) -> DeadLetterQueue:
    return DeadLetterQueue.made(aws_client("sqs", moto_url))


@pytest.fixture(autouse=True)
def wired(lambda_environment: pytest.MonkeyPatch, moto_url: str, dead_letter_queue: DeadLetterQueue) -> Iterator[None]:
    for name, value in {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_SQS": moto_url,
        "AWS_ENDPOINT_URL_S3": moto_url,
        "CLAIMS_BUCKET": "llmo-tests-claims",
        "DEAD_LETTER_QUEUE_URL": dead_letter_queue.url,
    }.items():
        lambda_environment.setenv(name, value)
    yield
    run(wiring.close())


@pytest.fixture
def events(mongodb_uri: str, mongodb_database: str) -> Iterator[Any]:
    with MongoClient[dict[str, Any]](mongodb_uri, uuidRepresentation="standard", tz_aware=True) as client:
        yield client[mongodb_database]["usage_events"]


def message(envelope: Envelope, number: int) -> dict[str, Any]:
    detail = json.loads(envelope.to_json())
    body = {"version": "0", "detail-type": envelope.type, "source": envelope.source, "detail": detail}
    return {"messageId": f"message-{number}", "body": json.dumps(body)}


def batch(*envelopes: Envelope) -> dict[str, Any]:
    return {"Records": [message(envelope, number) for number, envelope in enumerate(envelopes)]}


def failed(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_the_sample_batch_is_kept_and_may_be_delivered_again(events: Any) -> None:
    sample = json.loads((EVENTS / "usage-recorded.json").read_text())
    org_id = UUID(json.loads(sample["Records"][0]["body"])["detail"]["orgid"])

    assert failed(handler(sample, None)) == []
    assert failed(handler(sample, None)) == []

    assert events.count_documents({"org_id": org_id}) == 3
    assert events.count_documents({"org_id": org_id, "cache_hits": 1}) == 1


def test_the_sample_of_rabbitmqs_trigger_holds_the_same_calls(events: Any) -> None:
    from_sqs = json.loads((EVENTS / "usage-recorded.json").read_text())
    from_rabbitmq = json.loads((EVENTS / "usage-recorded-rabbitmq.json").read_text())
    ids = [UUID(json.loads(record["body"])["detail"]["id"]) for record in from_sqs["Records"]]
    events.delete_many({"_id": {"$in": ids}})

    assert handler(from_rabbitmq, None) == {}

    assert events.count_documents({"_id": {"$in": ids}}) == len(ids)


def test_a_call_is_kept_exactly_as_reported_with_its_buckets(events: Any) -> None:
    envelope = call(new_id(), cost_usd="0.123456789012", ttft_ms=20.5)

    handler(batch(envelope), None)

    [kept] = events.find({"_id": envelope.id})
    assert str(kept["cost_usd"]) == "0.123456789012"
    assert kept["latency_ms"] == 812.4
    assert kept["minute"].isoformat() == "2026-08-17T10:15:00+00:00"
    assert kept["hour"].isoformat() == "2026-08-17T10:00:00+00:00"
    assert kept["day"].isoformat() == "2026-08-17T00:00:00+00:00"


def test_a_batch_that_was_kept_in_part_is_completed_by_its_redelivery(events: Any) -> None:
    org_id = new_id()
    first, second = call(org_id), call(org_id)
    handler(batch(first), None)

    assert failed(handler(batch(first, second, second), None)) == []

    assert events.count_documents({"org_id": org_id}) == 2


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"cost_usd": "much"}, "cost_usd: Input should be a valid decimal"),
        ({"cost_usd": "-1"}, "cost_usd: Input should be greater than or equal to 0"),
        ({"cost_usd": "1e40"}, "cost_usd: Decimal input should have no more than 34 digits in total"),
        ({"input_tokens": 2**63}, "input_tokens: Input should be less than or equal to 9007199254740992"),
        ({"latency_ms": -1}, "latency_ms: Input should be greater than or equal to 0"),
        ({"started_at": "2026-08-17T10:15:29"}, "started_at: Input should have timezone info"),
        ({"org_id": "nobody"}, "org_id: Input should be a valid UUID"),
    ],
)
def test_a_malformed_call_goes_to_the_dead_letter_queue_alone_and_with_the_reason(
    events: Any, dead_letter_queue: DeadLetterQueue, said: dict[str, Any], reason: str
) -> None:
    org_id = new_id()
    malformed = call(org_id, **said)

    answer = handler(batch(call(org_id), malformed, call(org_id)), None)

    assert failed(answer) == []
    assert events.count_documents({"org_id": org_id}) == 2
    dead = dead_letter_queue.taken()
    assert json.loads(dead["Body"])["detail"]["id"] == str(malformed.id)
    assert dead["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"].startswith(reason)


def test_a_call_whose_data_was_too_large_for_a_message_is_kept(events: Any, moto_url: str) -> None:
    s3 = aws_client("s3", moto_url)
    s3.create_bucket(Bucket="llmo-tests-claims", CreateBucketConfiguration={"LocationConstraint": REGION})
    envelope = call(new_id())
    claims = S3Claims("llmo-tests-claims", client=lambda: s3)
    text = run(ClaimCheck(lambda: claims, largest_bytes=100)(envelope))

    assert failed(handler(batch(Envelope.model_validate_json(text)), None)) == []

    assert events.count_documents({"_id": envelope.id}) == 1


def test_fields_that_this_service_does_not_know_yet_do_not_matter(events: Any) -> None:
    envelope = call(new_id(), shoe_size=43)

    assert failed(handler(batch(envelope), None)) == []

    [kept] = events.find({"_id": envelope.id})
    assert "shoe_size" not in kept


@pytest.mark.usefixtures("without_store")
def test_without_the_store_every_message_stays_on_the_queue(caplog: pytest.LogCaptureFixture) -> None:
    answer = handler(batch(call(new_id()), call(new_id())), None)

    assert failed(answer) == ["message-0", "message-1"]
    assert "batch failed" in caplog.text


def test_indexes_serve_rollups_exports_and_erasures_and_calls_expire(events: Any) -> None:
    handler(batch(call(new_id())), None)

    indexes = list(events.list_indexes())
    keys = [list(dict(index["key"])) for index in indexes]
    assert ["org_id", "started_at", "_id"] in keys
    assert ["org_id", "end_user", "started_at"] in keys
    assert ["expires_at"] in [list(dict(index["key"])) for index in indexes if index.get("expireAfterSeconds") == 0]
