"""Reading calls to the endpoints beside chat: what bounds them, and what makes two of them equal."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.gateway.call import Call
from integration.gateway.endpoints.table import ENDPOINTS
from integration.gateway.errors import InvalidCall, ModelNotFound
from integration.gateway.metering import Size, Usage
from integration.gateway.tokens import BpeTokenCounter
from tests.unit.gateway.reading import PRICES, read

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=300)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text("ab é\n", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text"]), inner, max_size=3),
    max_leaves=8,
)
JSON_ENDPOINTS = sorted(path.removeprefix("/v1/") for path in ENDPOINTS if "trans" not in path)
NAMES = ["model", "input", "prompt", "messages", "stream", "n", "tools", "size", "quality", "max_tokens", "best_of"]


@given(path=st.sampled_from(JSON_ENDPOINTS), body=st.dictionaries(st.sampled_from(NAMES), values))
def test_any_json_object_is_a_call_or_a_refusal_everywhere(path: str, body: dict[str, Any]) -> None:
    for model in ({}, {"model": "gpt-4o-mini"}):
        try:
            read(path, {**body, **model})
        except (InvalidCall, ModelNotFound):
            continue


def costs_at_most_its_hold(call: Call, usage: Usage) -> bool:
    prices = PRICES.find(call.model)
    return prices.tier(call.service_tier).cost(usage) <= prices.most(call.service_tier, call.most)


@given(prompts=st.lists(texts, min_size=1, max_size=4), tries=st.integers(1, 5), limit=st.integers(0, 400))
async def test_no_completion_costs_more_than_its_hold(prompts: list[str], tries: int, limit: int) -> None:
    body = {"model": "gpt-3.5-turbo-instruct", "prompt": prompts, "best_of": tries, "max_tokens": limit}
    call = read("completions", body)
    given = await BpeTokenCounter().count_input(call.model, call.text)
    assert given <= call.most.input_tokens
    assert costs_at_most_its_hold(call, Usage(given, 0, len(prompts) * tries * limit))


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({"prompt": "hello"}, 16),
        ({"prompt": [1, 2, 3]}, 16),
        ({"prompt": [[1], [2]], "max_tokens": 10}, 20),
        ({"prompt": ["a", "b", "c"], "n": 2, "best_of": 4, "max_tokens": 5}, 60),
        ({"prompt": "hello", "max_tokens": 0, "echo": True}, 0),
        ({"prompt": "hello", "max_tokens": 10**9}, 4_096),
        ({}, 16),
    ],
)
def test_a_completion_is_bounded_by_prompts_and_tries(body: dict[str, Any], tokens: int) -> None:
    assert read("completions", {"model": "gpt-3.5-turbo-instruct", **body}).most.output_tokens == tokens


@given(words=st.lists(texts, max_size=4), instructions=texts)
async def test_no_response_has_more_input_than_its_bound(words: list[str], instructions: str) -> None:
    items = [{"role": "user", "content": [{"type": "input_text", "text": word}]} for word in words]
    call = read("responses", {"model": "gpt-4o-mini", "input": items, "instructions": instructions})
    assert await BpeTokenCounter().count_input(call.model, call.text) <= call.most.input_tokens < 12_000


IMAGE = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 100_000}


@pytest.mark.parametrize(
    ("body", "least", "most"),
    [
        ({"input": "hi"}, 10, 100),
        ({"input": [{"role": "user", "content": [IMAGE]}]}, 48_169, 49_000),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, 128_000, 129_000),
        ({"input": [{"type": "item_reference", "id": "m"}]}, 128_000, 129_000),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": [IMAGE]}]}, 48_169, 49_000),
        ({"input": "hi", "previous_response_id": "r"}, 128_000, 128_000),
        ({"input": "hi", "conversation": {"id": "c"}}, 128_000, 128_000),
        ({"input": "hi", "prompt": {"id": "p"}}, 128_000, 128_000),
        ({"input": "hi", "tools": [{"type": "web_search"}]}, 128_000, 128_000),
        ({"input": "hi", "tools": [{"type": "tool_of_the_future"}]}, 128_000, 128_000),
        ({"input": "hi", "tools": [{"type": "function", "name": "f"}]}, 10, 200),
        ({"input": "x" * 200_000, "previous_response_id": "r"}, 200_000, 201_000),
    ],
)
def test_a_response_is_bounded_by_what_the_model_is_given(body: dict[str, Any], least: int, most: int) -> None:
    assert least <= read("responses", {"model": "gpt-4o-mini", **body}).most.input_tokens <= most


def test_the_output_of_a_response_is_bounded_by_its_limit() -> None:
    call = {"model": "gpt-4o-mini", "input": "hi"}
    assert read("responses", {**call, "max_output_tokens": 40}).most.output_tokens == 40
    assert read("responses", call).most.output_tokens == 16_384
    assert read("responses", call).tokens_estimate < 1_100


# What images cost by OpenAI's tables: gpt-image-1's, and gpt-image-2's from the guide's calculator.
@pytest.mark.parametrize(
    ("quality", "size", "tokens"),
    [
        ("low", "1024x1024", 272),
        ("low", "1024x1536", 408),
        ("medium", "1024x1024", 1_056),
        ("medium", "1536x1024", 1_584),
        ("high", "1024x1024", 4_160),
        ("high", "1536x1024", 6_240),
        ("high", "1024x1024", 7_024),
        ("high", "1792x1024", 5_063),
        ("high", "3584x2048", 12_329),
        ("auto", "auto", 7_024),
    ],
)
def test_no_image_of_a_known_price_costs_more_than_its_hold(quality: str, size: str, tokens: int) -> None:
    body = {"model": "gpt-image-1.5", "prompt": "a cat", "n": 2, "quality": quality, "size": size, "partial_images": 3}
    call = read("images/generations", body)
    used = 2 * (tokens + 300)
    assert costs_at_most_its_hold(call, Usage(10, 0, used, image_output_tokens=used))


@given(quality=st.sampled_from(["low", "medium", "high", "max", "auto"]), width=st.integers(16, 3_840))
def test_a_larger_image_never_holds_less(quality: str, width: int) -> None:
    body = {"model": "gpt-image-1", "prompt": "a cat", "quality": quality}
    smaller, larger = (
        read("images/generations", {**body, "size": f"{pixels}x1024"}).most.output_tokens
        for pixels in (width, width + 16)
    )
    assert smaller <= larger


def test_an_image_of_unknown_size_holds_the_largest_and_is_estimated_as_a_usual_one() -> None:
    call = read("images/generations", {"model": "gpt-image-1", "prompt": "a cat"})
    assert call.likely.output_tokens < 9_000
    assert call.most.output_tokens > 50_000


@given(text=texts, model=st.sampled_from(["tts-1", "tts-1-hd"]))
def test_speech_holds_what_it_costs(text: str, model: str) -> None:
    call = read("audio/speech", {"model": model, "input": text, "voice": "alloy"})
    assert call.most.characters == len(text)
    assert PRICES.find(model).most("auto", call.most) == PRICES.find(model).tier(None).cost(
        Usage(0, characters=len(text))
    )


def form(file: bytes, **fields: str) -> tuple[bytes, str]:
    parts = [f'--b\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
    head = "\r\n".join([*parts, '--b\r\ncontent-disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n'])
    return head.encode() + file + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"


@given(seconds=st.integers(1, 600), bits_per_second=st.integers(6_000, 1_536_000))
def test_no_recording_of_a_lossy_format_costs_more_than_its_hold(seconds: int, bits_per_second: int) -> None:
    raw, content_type = form(b"\0" * (seconds * bits_per_second // 8 // 8), model="whisper-1")
    call = read("audio/transcriptions", raw, content_type=content_type)
    assert costs_at_most_its_hold(call, Usage(0, audio_ms=seconds // 8 * 1_000))


def test_a_transcription_by_tokens_holds_what_the_model_can_read_and_write() -> None:
    raw, content_type = form(b"noise", model="gpt-4o-transcribe")
    call = read("audio/transcriptions", raw, content_type=content_type)
    assert call.most == Size(16_000, 16_000, 0, 1_000)


def test_a_moderation_names_the_model_that_it_is_metered_as() -> None:
    call = read("moderations", {"input": "hi"})
    assert json.loads(call.body) == {"input": "hi", "model": "omni-moderation-latest"}
    assert PRICES.find(call.model).most("auto", call.most) == 0


@pytest.mark.parametrize("endpoint", ["completions", "responses"])
def test_a_plain_body_reaches_the_provider_byte_for_byte_everywhere(endpoint: str) -> None:
    raw = b'{ "model":"gpt-4o-mini",  "input":"\\u00e9", "prompt":null, "store":false, "new": 1.50 }'
    assert read(endpoint, raw.replace(b'"prompt":null, ', b"")).body == raw.replace(b'"prompt":null, ', b"")


def test_a_streamed_response_needs_no_options_to_report_its_usage() -> None:
    raw = b'{"model":"gpt-4o-mini","input":"hi","stream":true}'
    assert read("responses", raw).body == raw


def test_a_target_that_calls_the_model_otherwise_gets_the_rest_of_the_form_untouched() -> None:
    raw, content_type = form(b"\r\n--whisper-1\xff", model="whisper-1", prompt="whisper-1")
    call = read("audio/transcriptions", raw, content_type=content_type)
    assert call.body_for("whisper-1") == raw
    assert call.body_for("other") == form(b"\r\n--whisper-1\xff", model="other", prompt="whisper-1")[0]


def test_equal_calls_to_different_endpoints_are_not_equal() -> None:
    raw, content_type = form(b"noise", model="whisper-1")
    digests = [
        read(path, raw, content_type=content_type).cache_digest
        for path in ("audio/transcriptions", "audio/translations")
    ]
    assert digests[0] != digests[1]
