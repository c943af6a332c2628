"""Watching streams of typed events go by."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.gateway.endpoints.event_meter import EventMeter
from integration.gateway.endpoints.table import ENDPOINTS
from integration.gateway.endpoints.whole_meter import WholeMeter
from integration.gateway.errors import UpstreamBroken
from integration.gateway.metering import Unit, Usage
from tests.unit.gateway.reading import read

RESPONSES = ENDPOINTS["/v1/responses"]
REPORTED = {
    "input_tokens": 20,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 6},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 2},
}
USAGE = Usage(20, 4, 9, 2, cache_write_tokens=6)


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def last(kind: str = "response.completed", **fields: Any) -> bytes:
    response = {"model": "gpt-4o-mini-2024-07-18", "service_tier": "priority", "error": None, **fields}
    return event(kind, response=response)


def meter() -> EventMeter:
    made = RESPONSES.meter(read("responses", {"model": "gpt-4o-mini", "input": "hi"}), Unit.TOKENS, "text/event-stream")
    assert isinstance(made, EventMeter)
    return made


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(edges)]


@given(
    texts=st.lists(st.text(max_size=20), max_size=8),
    cuts=st.lists(st.integers(0, 10_000), max_size=12),
    ends=st.sampled_from([b"\n", b"\r\n"]),
)
def test_the_usage_is_found_and_the_end_withheld_however_the_bytes_arrive(
    texts: list[str], cuts: list[int], ends: bytes
) -> None:
    watching = meter()
    deltas = b"".join(event("response.output_text.delta", delta=text) for text in texts)
    sent = (deltas + last(usage=REPORTED)).replace(b"\n", ends)
    passed = b"".join(watching.feed(piece) for piece in pieces(sent, cuts)) + watching.rest()
    assert passed == deltas
    assert watching.closing(5) == b": x-llmo-cost-usd: 0.000000000005\n\n" + last(usage=REPORTED)
    assert (watching.usage, watching.model, watching.service_tier) == (USAGE, "gpt-4o-mini-2024-07-18", "priority")
    assert watching.whole
    assert watching.produced == "".join(texts)


@given(junk=st.binary(max_size=200), cuts=st.lists(st.integers(0, 10_000), max_size=12))
def test_bytes_that_are_no_events_do_no_harm(junk: bytes, cuts: list[int]) -> None:
    watching = meter()
    for piece in pieces(junk, cuts):
        watching.feed(piece)
    watching.rest()
    assert isinstance(watching.produced, str)


@pytest.mark.parametrize("kind", ["response.failed", "error"])
def test_a_stream_that_announces_its_failure_is_finished_and_failed(kind: str) -> None:
    watching = meter()
    assert watching.feed(last(kind, usage=REPORTED)) == b""
    assert (watching.finished, watching.whole, watching.usage is not None) == (True, False, True)


def test_a_text_that_looks_like_the_end_is_none() -> None:
    watching = meter()
    delta = event("response.output_text.delta", delta='{"type":"response.completed"} "error"')
    assert watching.feed(delta) == delta
    assert not watching.finished


def test_a_stream_of_several_images_ends_with_the_last_one() -> None:
    call = read("images/generations", {"model": "gpt-image-1", "prompt": "a cat", "n": 2, "stream": True})
    watching = ENDPOINTS["/v1/images/generations"].meter(call, Unit.IMAGES, "text/event-stream")
    done = event("image_generation.completed", usage={"input_tokens": 3, "output_tokens": 272})
    assert watching.feed(done) == b""
    assert watching.usage == Usage(3, 0, 272, image_output_tokens=272)
    assert watching.feed(done) == done
    assert watching.whole
    assert watching.usage == Usage(6, 0, 544, image_output_tokens=544)


def test_a_fault_is_told_as_an_event() -> None:
    told = meter().broken(UpstreamBroken("gone"))
    assert told.startswith(b"event: error\n")
    assert json.loads(told.partition(b"data: ")[2])["error"]["message"] == "gone"


@given(
    body=st.dictionaries(st.sampled_from(["output", "usage", "status", "error"]), st.none() | st.lists(st.integers()))
)
def test_no_answer_of_a_provider_makes_a_response_stumble(body: dict[str, Any]) -> None:
    call = read("responses", {"model": "gpt-4o-mini", "input": "hi"})
    RESPONSES.usage(body, call, Unit.TOKENS)
    assert RESPONSES.produced(body) == ""


@pytest.mark.parametrize(
    ("answer", "unit", "usage"),
    [
        ({"usage": {"type": "duration", "seconds": 9}}, Unit.SECONDS, Usage(0, audio_ms=9_000)),
        ({"duration": 8.470000267028809}, Unit.SECONDS, Usage(0, audio_ms=9_000)),
        ({"duration": "8.47"}, Unit.SECONDS, Usage(0, audio_ms=9_000)),
        ({"duration": "soon"}, Unit.SECONDS, None),
        ({"duration": float("nan")}, Unit.SECONDS, None),
        ({"duration": -1}, Unit.SECONDS, None),
        ({"usage": {"type": "tokens", "input_tokens": 9, "output_tokens": 2}}, Unit.SECONDS, None),
        ({"usage": {"type": "duration", "seconds": 9}}, Unit.TOKENS, None),
        (
            {
                "usage": {
                    "input_tokens": 14,
                    "input_token_details": {"audio_tokens": 10, "text_tokens": 4},
                    "output_tokens": 2,
                }
            },
            Unit.TOKENS,
            Usage(14, 0, 2, audio_input_tokens=10),
        ),
        ({"usage": {"input_tokens": 14, "output_tokens": 2}}, Unit.TOKENS, Usage(14, 0, 2, audio_input_tokens=14)),
        ({}, Unit.SECONDS, None),
    ],
)
def test_a_transcription_is_billed_by_the_unit_of_its_model(
    answer: dict[str, Any], unit: Unit, usage: Usage | None
) -> None:
    call = read("responses", {"model": "gpt-4o-mini", "input": "hi"})  # it makes no difference
    assert ENDPOINTS["/v1/audio/transcriptions"].usage(answer, call, unit) == usage


def test_sound_passes_untouched_and_is_billed_when_it_has_ended() -> None:
    call = read("audio/speech", {"model": "tts-1", "input": "hello", "voice": "alloy"})
    watching = ENDPOINTS["/v1/audio/speech"].meter(call, Unit.CHARACTERS, "audio/mpeg")
    assert isinstance(watching, WholeMeter)
    assert watching.feed(b"\xff\r\n\n") == b"\xff\r\n\n"
    assert (watching.usage, watching.finished) == (None, False)
    assert watching.rest() + watching.closing(1) + watching.broken(UpstreamBroken()) == b""
    assert (watching.usage, watching.whole) == (Usage(0, characters=5), True)
