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
from llmo_messaging.envelope import Envelope
from tests.integration.analytics.calls import call

EVENTS = Path(__file__).parents[3] / "events" / "AnalyticsConsumerFunction"

type Documents = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def wired(lambda_environment: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: ARG001 - the handler reads it
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
    "said",
    [
        {"cost_usd": "much"},
        {"cost_usd": "-1"},
        {"cost_usd": "1e40"},
        {"input_tokens": 2**63},
        {"latency_ms": -1},
        {"started_at": "2026-08-17T10:15:29"},
        {"org_id": "nobody"},
    ],
)
def test_a_malformed_call_fails_alone(events: Any, said: dict[str, Any]) -> None:
    org_id = new_id()

    answer = handler(batch(call(org_id), call(org_id, **said), call(org_id)), None)

    assert failed(answer) == ["message-1"]
    assert events.count_documents({"org_id": org_id}) == 2


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


def test_indexes_serve_every_filter_of_a_report(events: Any) -> None:
    handler(batch(call(new_id())), None)

    keys = [list(dict(index["key"])) for index in events.list_indexes()]
    assert ["org_id", "started_at"] in keys
    assert ["org_id", "project_id", "started_at"] in keys
    assert ["org_id", "key_id", "started_at"] in keys
