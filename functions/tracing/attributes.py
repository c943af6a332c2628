"""What a span says of a call: OpenTelemetry's GenAI attributes, and `llmo.*` for what they have no name for.

Source: version 1.41 of https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/, the last one before they moved
to a repository without releases. Neither prompts nor answers are in usage events, and no attribute is made for them.
"""

from collections.abc import Iterator
from typing import Final

from tracing.models import FAILED, REPLAYED, UsageRecorded, Value

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.41.0"
_OPERATIONS: Final = {
    "chat.completions": "chat",
    "responses": "chat",
    "completions": "text_completion",
    "embeddings": "embeddings",
    "images.generations": "generate_content",
    "audio.speech": "generate_content",
    "audio.transcriptions": "generate_content",
    "audio.translations": "generate_content",
}
_OUTPUTS: Final = {"images.generations": "image", "audio.speech": "speech"}
_PROVIDERS: Final = {
    "aws": "aws.bedrock",
    "azure": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "x-ai": "x_ai",
}
_MS_PER_SECOND: Final = 1_000


def operation(call: UsageRecorded) -> str:
    """`gen_ai.operation.name`; an endpoint that the conventions do not know gives its own name."""
    return _OPERATIONS.get(call.endpoint, call.endpoint)


def attributes(call: UsageRecorded) -> dict[str, Value]:
    """All attributes of a call's span. What is not known has none."""
    found = [*_conventional(call), *_usage(call), *_ours(call)]
    return {name: value for name, value in found if value is not None}


def error_type(call: UsageRecorded) -> str | None:
    """What a call failed with: the gateway's or the provider's error code. Leaving a stream is no failure."""
    return (call.error_code or str(call.http_status)) if call.status in FAILED else None


type _Pairs = Iterator[tuple[str, Value | None]]


def _conventional(call: UsageRecorded) -> _Pairs:
    yield "gen_ai.operation.name", operation(call)
    yield "gen_ai.provider.name", _PROVIDERS.get(call.provider, call.provider)
    yield "gen_ai.request.model", call.requested_model
    yield "gen_ai.response.model", call.model
    yield "gen_ai.output.type", _OUTPUTS.get(call.endpoint)
    yield "gen_ai.request.stream", True if call.stream else None
    waited = call.ttft_ms if call.stream else None
    yield "gen_ai.response.time_to_first_chunk", None if waited is None else waited / _MS_PER_SECOND
    yield "http.response.status_code", call.http_status
    yield "error.type", error_type(call)


def _usage(call: UsageRecorded) -> _Pairs:
    """What a provider was asked to do. An answer from the cache used nothing: its tokens have other names."""
    if call.cache == REPLAYED:
        yield "llmo.cache.replayed.input_tokens", call.input_tokens
        yield "llmo.cache.replayed.output_tokens", call.output_tokens
        return
    yield "gen_ai.usage.input_tokens", call.input_tokens
    yield "gen_ai.usage.output_tokens", call.output_tokens
    yield "gen_ai.usage.cache_read.input_tokens", call.cached_input_tokens or None
    yield "gen_ai.usage.cache_creation.input_tokens", call.cache_write_tokens or None
    yield "gen_ai.usage.reasoning.output_tokens", call.reasoning_tokens or None
    yield "llmo.usage.estimated", call.estimated


def _ours(call: UsageRecorded) -> _Pairs:
    yield "llmo.organization.id", str(call.org_id)
    yield "llmo.project.id", str(call.project_id)
    yield "llmo.key.id", str(call.key_id)
    yield "llmo.request.id", call.request_id
    yield "llmo.status", call.status
    yield "llmo.route", call.route
    yield "llmo.variant", call.variant
    yield "llmo.connection", call.connection
    yield "llmo.attempts", call.attempts
    yield "llmo.prompt", call.prompt
    yield "llmo.batch", call.batch
    yield "llmo.cache.state", call.cache
    yield "llmo.cache.match", call.cache_match
    # Numbers, for charts: OpenTelemetry has no decimals. The exact amounts are in the usage reports.
    yield "llmo.cost.usd", float(call.cost_usd)
    yield "llmo.saved.usd", float(call.saved_usd)
    for name, value in call.tags.items():
        yield f"llmo.tag.{name}", value
