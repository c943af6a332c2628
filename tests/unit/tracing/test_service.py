"""Which calls are traced, and what their spans say."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.gateway import events as gateway
from integration.gateway.call import Endpoint
from llmo_core.ids import new_id
from llmo_messaging.consumer import Delivery
from llmo_messaging.envelope import Envelope
from tracing.attributes import attributes, operation
from tracing.models import CallSpan, UsageRecorded
from tracing.service import Tracing, span_of

BEGAN = datetime(2026, 11, 27, 10, 15, 29, 100_001, tzinfo=UTC)
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def call(**changes: Any) -> UsageRecorded:
    known: dict[str, Any] = {
        "request_id": "req_1",
        "org_id": UUID(int=1),
        "project_id": UUID(int=2),
        "key_id": UUID(int=3),
        "endpoint": "chat.completions",
        "requested_model": "fast",
        "model": "gpt-4o-mini-2024-07-18",
        "provider": "openai",
        "status": "ok",
        "http_status": 200,
        "stream": False,
        "cache": "miss",
        "input_tokens": 42,
        "cached_input_tokens": 0,
        "output_tokens": 22,
        "reasoning_tokens": 0,
        "estimated": False,
        "cost_usd": "0.0000195",
        "saved_usd": "0",
        "latency_ms": 812.4,
        "ttft_ms": None,
        "started_at": BEGAN,
    }
    return UsageRecorded.model_validate(known | changes)


def delivery(
    traceparent: str | None = None, *, event_id: UUID | None = None, **changes: Any
) -> Delivery[UsageRecorded]:
    event = call(**changes)
    envelope = Envelope.of(
        event, event_id=event_id or new_id(), org_id=event.org_id, time=BEGAN, traceparent=traceparent
    )
    return Delivery(envelope, event)


class Kept:
    """Keeps spans."""

    def __init__(self) -> None:
        self.spans: list[CallSpan] = []

    async def export(self, spans: Sequence[CallSpan]) -> None:
        """Take them."""
        self.spans += spans


async def traced(*deliveries: Delivery[UsageRecorded], ratio: float = 1.0) -> list[CallSpan]:
    kept = Kept()
    await Tracing(spans=kept, ratio=ratio).trace(deliveries)
    return kept.spans


def test_a_call_is_below_its_callers_span() -> None:
    span = span_of(delivery(f"00-{TRACE}-{SPAN}-01"))
    assert (span.trace_id, span.parent_id) == (int(TRACE, 16), int(SPAN, 16))
    assert span.span_id not in {0, span.parent_id}


def test_a_call_without_a_caller_begins_a_trace_with_the_events_id() -> None:
    event_id = new_id()
    span = span_of(delivery(event_id=event_id))
    assert (span.trace_id, span.parent_id) == (event_id.int, None)


@given(st.uuids(version=4), st.sampled_from([None, f"00-{TRACE}-{SPAN}-01"]))
def test_a_redelivered_event_makes_the_same_span_and_another_event_another(event_id: UUID, parent: str | None) -> None:
    assert span_of(delivery(parent, event_id=event_id)) == span_of(delivery(parent, event_id=event_id))
    assert span_of(delivery(parent)).span_id != span_of(delivery(parent, event_id=event_id)).span_id


def test_times_are_the_calls_own_to_the_microsecond() -> None:
    span = span_of(delivery())
    assert span.started_ns == 1_795_774_529_100_001_000
    assert span.ended_ns - span.started_ns == 812_400_000


async def test_the_caller_decides_whether_its_trace_is_sampled() -> None:
    assert await traced(delivery(f"00-{TRACE}-{SPAN}-00"), delivery(f"00-{TRACE}-{SPAN}-02")) == []
    assert len(await traced(delivery(f"00-{TRACE}-{SPAN}-01"), delivery(f"00-{TRACE}-{SPAN}-03"), ratio=0.0)) == 2


@pytest.mark.parametrize("malformed", ["", "00-0-0-01", f"00-{TRACE}-{SPAN}-01-more", f"ff-{TRACE}-{SPAN}-01"])
async def test_a_malformed_traceparent_is_none(malformed: str) -> None:
    (span,) = await traced(delivery(malformed))
    assert span.parent_id is None


@pytest.mark.parametrize("ratio", [0.0, 0.25, 1.0])
async def test_of_the_other_calls_always_the_same_part_is_traced(ratio: float) -> None:
    deliveries = [delivery(event_id=UUID(int=(7 << 120) + number * 2**56 // 400)) for number in range(400)]
    spans = await traced(*deliveries, ratio=ratio)
    assert len(spans) == 400 * ratio
    assert await traced(*deliveries, ratio=ratio) == spans


def test_what_is_said_of_a_call_to_a_provider() -> None:
    found = attributes(
        call(
            stream=True,
            ttft_ms=211.7,
            cached_input_tokens=10,
            reasoning_tokens=5,
            cache_write_tokens=3,
            route="fast",
            variant="b",
            connection="ours",
            attempts=2,
            prompt="greeting@3",
            batch="batch_1",
            saved_usd="0.5",
            tags={"team": "search"},
        )
    )
    assert found == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "fast",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.time_to_first_chunk": 0.2117,
        "gen_ai.usage.input_tokens": 42,
        "gen_ai.usage.output_tokens": 22,
        "gen_ai.usage.cache_read.input_tokens": 10,
        "gen_ai.usage.cache_creation.input_tokens": 3,
        "gen_ai.usage.reasoning.output_tokens": 5,
        "http.response.status_code": 200,
        "llmo.organization.id": str(UUID(int=1)),
        "llmo.project.id": str(UUID(int=2)),
        "llmo.key.id": str(UUID(int=3)),
        "llmo.request.id": "req_1",
        "llmo.status": "ok",
        "llmo.route": "fast",
        "llmo.variant": "b",
        "llmo.connection": "ours",
        "llmo.attempts": 2,
        "llmo.prompt": "greeting@3",
        "llmo.batch": "batch_1",
        "llmo.cache.state": "miss",
        "llmo.cost.usd": 0.0000195,
        "llmo.saved.usd": 0.5,
        "llmo.usage.estimated": False,
        "llmo.tag.team": "search",
    }


def test_an_answer_from_the_cache_used_no_tokens() -> None:
    found = attributes(call(cache="hit", cache_match="form"))
    assert not [name for name in found if name.startswith("gen_ai.usage.")]
    assert (found["llmo.cache.replayed.input_tokens"], found["llmo.cache.replayed.output_tokens"]) == (42, 22)
    assert found["llmo.cache.match"] == "form"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"status": "error", "http_status": 429, "error_code": "rate_limit_exceeded"}, "rate_limit_exceeded"),
        ({"status": "error", "http_status": 502}, "502"),
        ({"status": "lost", "http_status": 500, "error_code": "lost"}, "lost"),
        ({"status": "blocked", "http_status": 400, "error_code": "content_filter"}, "content_filter"),
        ({"status": "aborted", "http_status": 499}, None),  # the client left: nothing failed
        ({}, None),
    ],
)
def test_a_span_says_what_its_call_failed_with(changes: dict[str, Any], error: str | None) -> None:
    span = span_of(delivery(**changes))
    assert (span.error, span.attributes.get("error.type")) == (error, error)


@pytest.mark.parametrize("endpoint", [*Endpoint, "moderations"])
def test_every_endpoint_of_the_gateway_has_an_operation(endpoint: str) -> None:
    known = {"chat", "text_completion", "embeddings", "generate_content", "moderations"}
    assert operation(call(endpoint=str(endpoint))) in known
    assert span_of(delivery(endpoint=str(endpoint))).name.endswith(" fast")


def test_the_event_has_no_field_that_could_hold_a_prompt_an_answer_or_a_secret() -> None:
    fields = set(UsageRecorded.model_fields)
    assert fields <= set(gateway.UsageRecorded.model_fields)
    assert not fields & {"end_user", "messages", "input", "output", "body", "api_key"}
