"""Reading calls: what bounds them, what makes two of them equal."""

import json
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.gateway.call import Call
from integration.gateway.calls import read_call
from integration.gateway.endpoints.table import ENDPOINTS
from integration.gateway.errors import InvalidCall, ModelNotFound
from integration.gateway.organization import Organization
from integration.gateway.planning import Planner
from integration.gateway.pricing import PriceTable
from integration.gateway.tokens import BpeTokenCounter

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PLANNER = Planner(PriceTable({}, now=lambda: NOW), now=lambda: NOW)
CHAT_COMPLETIONS, EMBEDDINGS = ENDPOINTS["/v1/chat/completions"], ENDPOINTS["/v1/embeddings"]
PLAN = partial(PLANNER.plan, Organization(), CHAT_COMPLETIONS.units)
CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}


def read(body: dict[str, Any], **headers: str) -> Call:
    return read_call(CHAT_COMPLETIONS, json.dumps(body).encode(), headers, PLAN)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text("ab é\n", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab é\n", max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(body=st.dictionaries(st.sampled_from(["model", "messages", "stream", "n", "max_tokens", "user"]), json_values))
def test_any_json_object_is_a_call_or_a_refusal(body: dict[str, Any]) -> None:
    try:
        read(body)
    except (InvalidCall, ModelNotFound):
        return


@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=400))
async def test_an_input_never_has_more_tokens_than_its_bound(text: str) -> None:
    body = json.dumps({**CHAT, "messages": [{"role": "user", "content": text}]}, ensure_ascii=False).encode()
    call = read_call(CHAT_COMPLETIONS, body, {}, PLAN)
    assert await BpeTokenCounter().count_input("gpt-4o-mini", call.body) <= call.most.input_tokens


@pytest.mark.parametrize(
    ("limits", "bound"),
    [
        ({}, 16_384),
        ({"max_tokens": 100}, 100),
        ({"max_completion_tokens": 50, "max_tokens": 100}, 100),
        ({"max_tokens": 10**9}, 16_384),
        ({"max_tokens": 100, "n": 3}, 300),
    ],
)
def test_the_output_is_bounded_by_what_was_asked_and_what_the_model_can(limits: dict[str, int], bound: int) -> None:
    assert read({**CHAT, **limits}).most.output_tokens == bound


def test_an_image_counts_as_an_image_and_not_as_its_bytes() -> None:
    url = "data:image/png;base64," + "A" * 1_000_000
    content = [{"type": "text", "text": "what is it"}, {"type": "image_url", "image_url": {"url": url}}]
    call = read({**CHAT, "messages": [{"role": "user", "content": content}]})
    assert 48_169 < call.most.input_tokens < 50_000


@pytest.mark.parametrize("name", [r"image_url", r"image\u005furl"])
def test_an_image_is_found_however_its_name_is_written(name: str) -> None:
    part = f'{{"type":"{name}","{name}":{{"url":"https://example.com/a.png"}}}}'
    raw = f'{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":[{part}]}}]}}'
    call = read_call(CHAT_COMPLETIONS, raw.encode(), {}, PLAN)
    assert call.most.input_tokens > 48_169
    assert call.tokens_estimate < 10_000


def test_a_file_is_bounded_by_what_the_model_can_read() -> None:
    content = [{"type": "file", "file": {"file_id": "file-1"}}]
    assert read({**CHAT, "messages": [{"role": "user", "content": content}]}).most.input_tokens > 128_000


def test_an_answer_without_a_limit_is_not_charged_the_models_whole_output_in_advance() -> None:
    assert read(CHAT).tokens_estimate < 1_100
    assert read({**CHAT, "max_tokens": 5_000}).tokens_estimate > 5_000


def test_a_body_nested_too_deeply_is_refused() -> None:
    raw = b'{"model":"gpt-4o-mini","messages":[{}],"deep":' + b"[" * 400 + b"]" * 400 + b"}"
    with pytest.raises(InvalidCall, match="deeply"):
        read_call(CHAT_COMPLETIONS, raw, {}, PLAN)


def test_embeddings_have_no_messages_to_look_at() -> None:
    raw = b'{"model":"text-embedding-3-small","input":"image_url","messages":null}'
    assert read_call(EMBEDDINGS, raw, {}, PLAN).most.output_tokens == 0


def test_the_order_of_fields_and_who_asks_make_no_difference_to_the_cache() -> None:
    same = {"messages": CHAT["messages"], "user": "ada", "model": "gpt-4o-mini", "stream_options": None}
    assert read(CHAT).cache_digest == read(same).cache_digest


@pytest.mark.parametrize("change", [{"temperature": 0}, {"stream": True}, {"tools": []}, {"model": "gpt-4o"}])
def test_what_changes_the_answer_changes_the_cache_key(change: dict[str, Any]) -> None:
    assert read(CHAT).cache_digest != read({**CHAT, **change}).cache_digest


def test_a_plain_body_reaches_the_provider_byte_for_byte() -> None:
    raw = b'{ "model":"gpt-4o-mini",  "messages":[{"role":"user","content":"\\u00e9"}], "new": 1.50 }'
    assert read_call(CHAT_COMPLETIONS, raw, {}, PLAN).body == raw


def test_a_stream_always_reports_its_usage_to_the_gateway() -> None:
    call = read({**CHAT, "stream": True, "stream_options": {"include_obfuscation": False}})
    assert json.loads(call.body)["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert not call.usage_wanted


def test_an_unknown_cache_control_is_refused() -> None:
    with pytest.raises(InvalidCall, match="only-if-cached"):
        read(CHAT, **{"x-llmo-cache": "maybe"})


def test_names_in_usage_events_stay_short() -> None:
    with pytest.raises(InvalidCall, match="model"):
        read({**CHAT, "model": "ft:gpt-4o-mini" + "x" * 1_000})
    assert read({**CHAT, "user": "u" * 10_000}).end_user == "u" * 256


@pytest.mark.parametrize("given", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01\r\nx: y"])
def test_a_malformed_traceparent_is_dropped(given: str) -> None:
    assert read(CHAT, traceparent=given).traceparent is None
