"""Watching streams go by."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.gateway.endpoints.chunk_meter import ChunkMeter
from integration.gateway.endpoints.completions import ChatCompletions
from integration.gateway.endpoints.messages import chunk_texts
from integration.gateway.metering import Usage
from integration.gateway.usage import read_usage

USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2},
}


def meter_of(*, usage_wanted: bool = False) -> ChunkMeter:
    return ChunkMeter(usage_wanted=usage_wanted, texts=chunk_texts)


def event(**fields: object) -> bytes:
    body = {"id": "c", "object": "chat.completion.chunk", "model": "gpt-4o-mini-2024-07-18", **fields}
    return b"data: " + json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


def delta(text: str) -> bytes:
    return event(choices=[{"index": 0, "delta": {"content": text}, "finish_reason": None}], usage=None)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(edges)]


def stream(texts: list[str]) -> bytes:
    return b"".join(delta(text) for text in texts) + event(choices=[], usage=USAGE) + b"data: [DONE]\n\n"


texts = st.lists(st.text(max_size=20), max_size=8)
cuts = st.lists(st.integers(0, 10_000), max_size=12)


@given(texts=texts, cuts=cuts)
def test_usage_is_found_and_hidden_however_the_bytes_arrive(texts: list[str], cuts: list[int]) -> None:
    meter = meter_of()
    passed = b"".join(meter.feed(piece) for piece in pieces(stream(texts), cuts))
    assert meter.usage == Usage(20, 4, 9, 2)
    assert meter.model == "gpt-4o-mini-2024-07-18"
    assert meter.finished
    assert passed == b"".join(delta(text).replace(b',"usage":null', b"") for text in texts)


@given(texts=texts, cuts=cuts)
def test_wanted_usage_passes_and_every_byte_but_the_end_is_the_providers(texts: list[str], cuts: list[int]) -> None:
    meter = meter_of(usage_wanted=True)
    passed = b"".join(meter.feed(piece) for piece in pieces(stream(texts), cuts))
    assert passed + b"data: [DONE]\n\n" == stream(texts)


@given(texts=texts, cuts=cuts)
def test_the_text_of_a_stream_is_what_its_deltas_say(texts: list[str], cuts: list[int]) -> None:
    meter = meter_of()
    for piece in pieces(stream(texts), cuts):
        meter.feed(piece)
    assert meter.produced == "".join(texts)


@given(junk=st.binary(max_size=200), cuts=cuts)
def test_bytes_that_are_no_events_do_no_harm(junk: bytes, cuts: list[int]) -> None:
    meter = meter_of()
    for piece in pieces(junk, cuts):
        meter.feed(piece)
    assert isinstance(meter.produced, str)


def test_text_that_looks_like_usage_stays_text() -> None:
    text = 'say ,"usage":null and "usage":{"prompt_tokens":1} and [DONE]'
    meter = meter_of()
    passed = meter.feed(delta(text))
    assert json.loads(passed.removeprefix(b"data:"))["choices"][0]["delta"]["content"] == text
    assert meter.usage is None
    assert not meter.finished


@given(texts=texts, cuts=cuts)
def test_events_that_end_with_carriage_returns_are_read_too(texts: list[str], cuts: list[int]) -> None:
    meter = meter_of(usage_wanted=True)
    sent = stream(texts).replace(b"\n", b"\r\n")
    passed = b"".join(meter.feed(piece) for piece in pieces(sent, cuts)) + meter.rest()
    assert passed + b"data: [DONE]\n\n" == stream(texts)
    assert meter.finished
    assert meter.usage == Usage(20, 4, 9, 2)


def test_an_end_without_an_empty_line_and_events_with_names_are_read_too() -> None:
    meter = meter_of()
    named = b": ping\n\n" + delta("hi").replace(b"data:", b"event: message\ndata:")
    passed = meter.feed(named + event(choices=[], usage=USAGE) + b"event: end\ndata: [DONE]")
    assert passed == named.replace(b',"usage":null', b"")
    assert meter.rest() == b""
    assert meter.finished
    assert meter.usage == Usage(20, 4, 9, 2)


def test_an_error_inside_a_stream_is_noticed_and_passed_on() -> None:
    meter = meter_of()
    assert b"overloaded" in meter.feed(b'data: {"error":{"message":"overloaded"}}\n\n')
    assert meter.failed


def test_usage_that_comes_with_the_last_words_keeps_the_words() -> None:
    meter = meter_of()
    last = event(choices=[{"index": 0, "delta": {"content": "bye"}, "finish_reason": "stop"}], usage=USAGE)
    assert b"bye" in meter.feed(last)
    assert meter.usage == Usage(20, 4, 9, 2)


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 2}, Usage(5, 0, 2)),
        ({"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 9}}, Usage(5, 5, 2)),
        ({"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": None}, Usage(5, 0, 2)),
        ({"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": "x"}}, Usage(5, 0, 2)),
        ({"prompt_tokens": 5, "completion_tokens": None}, None),
        ({"prompt_tokens": 5}, None),
        ({"prompt_tokens": "5", "completion_tokens": 2}, None),
        ({"prompt_tokens": -1, "completion_tokens": 2}, None),
        ({"prompt_tokens": 10**14, "completion_tokens": 2}, None),
        ({}, None),
        ([], None),
    ],
)
def test_usage_that_makes_no_sense_counts_as_missing(reported: object, usage: Usage | None) -> None:
    assert read_usage(reported) == usage


def test_an_endpoint_that_produces_no_tokens_need_not_report_any() -> None:
    assert read_usage({"prompt_tokens": 5, "total_tokens": 5}, produces=False) == Usage(5)


odd_choices = st.lists(st.none() | st.dictionaries(st.sampled_from(["message", "delta"]), st.just([1])))


@given(st.dictionaries(st.sampled_from(["choices", "model", "usage"]), st.none() | st.integers() | odd_choices))
def test_no_answer_of_a_provider_makes_the_meter_stumble(body: dict[str, object]) -> None:
    ChatCompletions().produced(body)
    read_usage(body.get("usage"))
    meter = meter_of()
    meter.feed(b"data: " + json.dumps(body).encode() + b"\n\n")
    assert isinstance(meter.produced, str)
