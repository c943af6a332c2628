"""The tracing consumer through its Lambda handler, with a collector that speaks OTLP."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from llmo_core.ids import new_id
from tests.fakes.collector import FakeCollector, running_collector, values
from tests.fakes.secrets_manager import FakeSecretsManager
from tests.integration.messaging.backbones import REGION, aws_client
from tracing import wiring
from tracing.consumer import handler

SAMPLE = Path(__file__).parents[3] / "events" / "TracingFunction" / "usage-recorded.json"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with running_collector() as fake:
        yield fake


@pytest.fixture(scope="module")
def dead_letters(moto_url: str) -> tuple[Any, str]:
    sqs = aws_client("sqs", moto_url)
    return sqs, sqs.create_queue(QueueName=f"dead-{new_id().hex}")["QueueUrl"]


@pytest.fixture(autouse=True)
def wired(
    lambda_environment: pytest.MonkeyPatch,
    secrets: FakeSecretsManager,
    moto_url: str,
    collector: FakeCollector,
    dead_letters: tuple[Any, str],
) -> Iterator[None]:
    name = f"llmo-tests/otlp-{new_id().hex}"
    secrets.secrets[name] = "x-api-key=secret%20key,x-team=llm"
    for variable, value in {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_SQS": moto_url,
        "DEAD_LETTER_QUEUE_URL": dead_letters[1],
        "OTLP_ENDPOINT": collector.url,
        "OTLP_HEADERS_SECRET": name,
        "EXPORT_SECONDS": "0.5",
    }.items():
        lambda_environment.setenv(variable, value)
    wiring.tracing.cache_clear()
    yield
    wiring.tracing.cache_clear()


def sample(traceparent: str = f"00-{TRACE}-{PARENT}-01", **changes: Any) -> dict[str, Any]:
    """The sample's first message, changed."""
    event: dict[str, Any] = json.loads(SAMPLE.read_text())
    record = event["Records"][0]
    body = json.loads(record["body"])
    body["detail"]["traceparent"] = traceparent
    body["detail"]["data"] |= changes
    record["body"] = json.dumps(body)
    return {"Records": [record]}


def test_each_call_of_a_batch_is_a_span_that_a_collector_understands(collector: FakeCollector) -> None:
    assert handler(json.loads(SAMPLE.read_text()), None) == {"batchItemFailures": []}
    (request,) = collector.requests
    (resource,) = request.resource_spans
    assert values(resource.resource.attributes) == {
        "service.name": "llmo-gateway",
        "deployment.environment.name": "test",
    }
    assert resource.scope_spans[0].scope.name == "llmo.gateway"
    first, hit, streamed = collector.spans
    assert len({span.span_id for span in collector.spans}) == 3
    assert {(span.trace_id.hex(), span.parent_span_id.hex()) for span in collector.spans} == {(TRACE, PARENT)}
    assert (first.name, first.kind) == ("chat gpt-4o-mini", Span.SPAN_KIND_CLIENT)
    assert first.end_time_unix_nano - first.start_time_unix_nano == 812_400_000
    assert values(first.attributes)["llmo.cost.usd"] == 0.0000195
    assert values(first.attributes)["gen_ai.usage.input_tokens"] == 42
    assert values(hit.attributes)["llmo.cache.state"] == "hit"
    assert values(streamed.attributes)["gen_ai.response.time_to_first_chunk"] == 0.2117
    assert collector.headers["x-api-key"] == "secret key"
    assert collector.headers["x-team"] == "llm"


def test_a_redelivery_makes_the_same_spans(collector: FakeCollector) -> None:
    for _ in range(2):
        handler(json.loads(SAMPLE.read_text()), None)
    ids = [span.span_id for span in collector.spans]
    assert ids[:3] == ids[3:]


def test_nothing_is_exported_of_a_trace_that_its_caller_does_not_sample(collector: FakeCollector) -> None:
    assert handler(sample(f"00-{TRACE}-{PARENT}-00"), None) == {"batchItemFailures": []}
    assert collector.raw == []


def test_a_failed_call_is_a_failed_span(collector: FakeCollector) -> None:
    handler(sample(status="error", http_status=429, error_code="rate_limit_exceeded"), None)
    (span,) = collector.spans
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert values(span.attributes)["error.type"] == "rate_limit_exceeded"


@pytest.mark.parametrize("status", [400, 401, 503])
def test_what_the_collector_refuses_is_delivered_again(collector: FakeCollector, status: int) -> None:
    collector.status = status
    event = sample()
    failed = {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
    assert handler(event, None) == failed
    collector.status = 200
    assert handler(event, None) == {"batchItemFailures": []}
    assert len({span.span_id for span in collector.spans}) == 1


def test_a_collector_that_is_away_is_asked_again_later(lambda_environment: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        lambda_environment.setenv("OTLP_ENDPOINT", f"http://127.0.0.1:{unused.getsockname()[1]}")
        assert len(handler(sample(), None)["batchItemFailures"]) == 1


def test_what_cannot_be_read_goes_to_the_dead_letters(collector: FakeCollector, dead_letters: tuple[Any, str]) -> None:
    for changes in ({"cost_usd": "-1"}, {"latency_ms": -5.0}, {"started_at": "yesterday"}, {"input_tokens": 2**63}):
        assert handler(sample(**changes), None) == {"batchItemFailures": []}
        sqs, url = dead_letters
        (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert collector.raw == []


def test_no_secret_and_nothing_of_a_person_is_in_a_span_or_a_log(
    collector: FakeCollector, capfd: pytest.CaptureFixture[str]
) -> None:
    handler(sample(end_user="ada@example.com", messages=["what was said"]), None)
    collector.status = 401
    handler(sample(end_user="ada@example.com"), None)
    logged = "".join(capfd.readouterr())
    for text in ("secret key", "ada@example.com", "what was said"):
        assert text.encode() not in b"".join(collector.raw)
        assert text not in logged
