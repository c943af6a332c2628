"""Where texts stand in what is sent and answered, and others in their place."""

from typing import Any

import orjson
import pytest

from integration.gateway.call import Endpoint
from integration.gateway.endpoints.completions import ChatCompletions, Completions
from integration.gateway.endpoints.embeddings import Embeddings
from integration.gateway.endpoints.form import Form
from integration.gateway.endpoints.images import ImageGenerations
from integration.gateway.endpoints.responses import Responses
from integration.gateway.endpoints.speech import Speech
from integration.gateway.endpoints.texts import StreamedTexts, replaced
from integration.gateway.endpoints.transcriptions import Transcriptions
from integration.gateway.guards import Guards, Workshop
from integration.gateway.looking import look_at_answer, look_at_call
from integration.guarding.rules import Action, Kind, Rule, Stage
from tests.unit.gateway.reading import read
from tests.unit.gateway.streaming import events

CALL = read("chat/completions", {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "a"}]})
MASKING = Guards([Rule("mask", Stage.BOTH, Kind.DENY, Action.MASK, words=("secret",))], Workshop())


def chunk(index: int, **delta: Any) -> Any:
    return {"id": "c", "choices": [{"index": index, "delta": delta, "logprobs": {"content": [{"token": "x"}]}}]}


def called(number: int, arguments: str) -> Any:
    return [{"index": number, "function": {"arguments": arguments}}]


def test_every_choice_has_texts_of_its_own() -> None:
    answer = {
        "choices": [
            {"message": {"content": "one", "tool_calls": [{"function": {"name": "f", "arguments": "two"}}]}},
            {"message": {"content": "three", "refusal": "four"}, "logprobs": {"content": [{"token": "three"}]}},
        ]
    }
    found = ChatCompletions().answered_texts(answer)
    assert [slot.text for slot in found] == ["one", "two", "three", "four"]
    written = orjson.loads(replaced(answer, found, "1234", ChatCompletions.repeated))
    assert written["choices"][0]["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": "2"}
    assert written["choices"][1] == {"message": {"content": "3", "refusal": "4"}, "logprobs": None}


def test_a_streams_pieces_are_put_together_by_choice_and_by_tool() -> None:
    stream = events(
        chunk(0, role="assistant", content="a1"),
        chunk(1, content="b1"),
        chunk(0, content="a2"),
        chunk(0, tool_calls=called(0, "c1")),
        chunk(0, tool_calls=called(1, "d1")),
        chunk(0, tool_calls=called(0, "c2")),
    )
    streamed = StreamedTexts(stream + b"data: [DONE]\n\n", ChatCompletions().streamed_texts, ChatCompletions.repeated)
    assert streamed.texts == ["a1a2", "b1", "c1c2", "d1"]
    written = streamed.replaced(["A", "B", "C", "D"])
    assert StreamedTexts(written, ChatCompletions().streamed_texts).texts == ["A", "B", "C", "D"]
    assert written.endswith(b"data: [DONE]\n\n")
    assert b"token" not in written


def test_odd_names_of_pieces_do_no_harm() -> None:
    odd = [
        {"choices": [{"index": [index], "delta": {"content": text}}]} for index, text in ((0, "a"), (1, "b"), (0, "c"))
    ]
    assert StreamedTexts(events(*odd), ChatCompletions().streamed_texts).texts == ["ac", "b"]


def test_a_response_is_read_wherever_its_stream_repeats_it() -> None:
    part = {"type": "output_text", "text": "ab", "logprobs": [{"token": "ab"}]}
    item = {"type": "message", "content": [part]}
    stream = events(
        {"type": "response.output_text.delta", "item_id": "i", "content_index": 0, "delta": "a"},
        {"type": "response.output_text.delta", "item_id": "i", "content_index": 0, "delta": "b"},
        {"type": "response.output_text.done", "item_id": "i", "content_index": 0, "text": "ab"},
        {"type": "response.content_part.done", "part": part},
        {"type": "response.output_item.done", "item": item},
        {"type": "response.function_call_arguments.delta", "item_id": "j", "delta": "{}"},
        {"type": "response.completed", "response": {"output": [item], "usage": {"input_tokens": 1}}},
        {"type": "response.audio.delta", "delta": "AAAA"},
    )
    streamed = StreamedTexts(stream, Responses().streamed_texts, Responses.repeated)
    assert streamed.texts == ["ab", "ab", "ab", "ab", "{}", "ab"]
    written = streamed.replaced(["X"] * 6)
    assert b"ab" not in written
    assert b"logprobs" in written
    assert written.count(b"X") == 6


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ({"instructions": "a", "input": "b"}, ["a", "b"]),
        ({"input": [{"role": "user", "content": "a"}, {"content": [{"type": "input_text", "text": "b"}]}]}, ["a", "b"]),
        ({"input": [{"type": "function_call", "name": "f", "arguments": "a"}]}, ["a"]),
        ({"input": [{"type": "function_call_output", "output": [{"type": "input_text", "text": "a"}]}]}, ["a"]),
        ({"input": [{"type": "custom_tool_call", "input": "a"}]}, ["a"]),
        ({"input": [{"content": [{"type": "input_image", "image_url": "data:image/png;base64,AA"}]}]}, []),
        ({"prompt": {"id": "p", "variables": {"x": "a", "y": {"type": "input_text", "text": "b"}}}}, ["a", "b"]),
    ],
)
def test_the_texts_of_a_response_that_is_asked_for(given: Any, texts: list[str]) -> None:
    assert [slot.text for slot in Responses().sent_texts(given)] == texts


THOUGHTS = {
    "role": "assistant",
    "content": [
        {"type": "thinking", "thinking": "a", "signature": "s"},
        {"type": "thinking", "thinking": [{"type": "text", "text": "b"}]},
    ],
    "reasoning_content": "c",
    "reasoning_details": [
        {"type": "reasoning.text", "text": "d", "index": 0},
        {"type": "reasoning.summary", "summary": "e", "index": 1},
        {"type": "reasoning.encrypted", "data": "f", "index": 2},
    ],
    "thinking_blocks": [{"type": "thinking", "thinking": "g", "signature": "s"}],
}


def test_thoughts_are_looked_at_in_chats() -> None:
    form = ChatCompletions()
    for found in (form.sent_texts({"messages": [THOUGHTS]}), form.answered_texts({"choices": [{"message": THOUGHTS}]})):
        assert sorted(slot.text for slot in found) == ["a", "b", "c", "d", "e", "g"]


def test_streamed_thoughts_are_put_together() -> None:
    stream = events(
        chunk(0, reasoning_details=[{"type": "reasoning.text", "text": "a1", "index": 0}]),
        chunk(0, reasoning_details=[{"type": "reasoning.text", "text": "b1", "index": 1}]),
        chunk(0, reasoning_details=[{"type": "reasoning.text", "text": "a2", "index": 0}], reasoning_content="c1"),
        chunk(0, content=[{"type": "thinking", "thinking": [{"type": "text", "text": "d1"}]}], reasoning_content="c2"),
        chunk(0, content=[{"type": "thinking", "thinking": [{"type": "text", "text": "d2"}]}]),
        chunk(0, content=[{"type": "text", "text": "e1"}]),
        chunk(0, content=[{"type": "text", "text": "e2"}]),
    )
    streamed = StreamedTexts(stream, ChatCompletions().streamed_texts)
    assert sorted(streamed.texts) == ["a1a2", "b1", "c1c2", "d1d2", "e1e2"]


def test_odd_messages_have_no_texts_and_do_no_harm() -> None:
    odd = {"messages": [{"content": None}, {"content": [1, None, {"text": 2}], "tool_calls": [None, {"function": 3}]}]}
    assert ChatCompletions().sent_texts(odd) == []


SEGMENTS = [{"text": "a", "tokens": [64], "words": [{"word": "a"}]}, {"text": "b", "tokens": [65]}]


def test_a_transcription_forgets_its_words_where_it_is_masked() -> None:
    form = Transcriptions(Endpoint.AUDIO_TRANSCRIPTIONS)
    answer = {"text": "a b", "segments": SEGMENTS, "words": [{"word": "a"}], "logprobs": [{"token": "a"}]}
    found = form.answered_texts(answer)
    assert [slot.text for slot in found] == ["a b", "a", "b"]
    written = orjson.loads(form.written(answer, CALL, found, "XYZ"))
    assert written == {
        "text": "X",
        "segments": [{"text": "Y", "tokens": [], "words": []}, {"text": "Z", "tokens": []}],
        "words": [],
        "logprobs": [],
    }


ASKING = {"logprobs": True, "words": ["w"], "segments": [{"words": 1}], "metadata": {"words": "w", "logprobs": "l"}}
TOOLS = [{"type": "function", "parameters": {"properties": {"words": {"type": "array"}, "logprobs": {"type": "null"}}}}]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (ChatCompletions(), {"messages": [{"role": "user", "content": "secret", "words": 1}]}),
        (Completions(), {"prompt": "secret", "logprobs": 3}),
        (Responses(), {"input": [{"role": "user", "content": [{"type": "input_text", "text": "secret"}]}]}),
        (Embeddings(), {"input": "secret"}),
        (Speech(), {"input": "secret"}),
        (ImageGenerations(), {"prompt": "secret"}),
    ],
)
async def test_a_request_that_is_masked_asks_for_the_same(form: Form, said: dict[str, Any]) -> None:
    body = {"model": "m", **ASKING, "tools": TOOLS, **said}
    looked = await look_at_call(MASKING, form, orjson.dumps(body), {})
    assert looked.raw is not None
    assert orjson.loads(looked.raw) == orjson.loads(orjson.dumps(body).replace(b"secret", b"[MASK]"))


CALLING = {"words": ["a"], "logprobs": True}


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        (
            ChatCompletions(),
            {
                "choices": [{"message": {"content": "secret", "tool_calls": [{"function": {**CALLING, "name": "f"}}]}}],
                "words": ["a"],
            },
        ),
        (Responses(), {"output": [{"type": "mcp_call", "arguments": "secret", **CALLING}], "metadata": CALLING}),
    ],
)
async def test_an_answer_forgets_nothing_but_what_repeats_its_texts(form: Form, answer: Any) -> None:
    raw = orjson.dumps(answer)
    looked = await look_at_answer(MASKING, form, raw, "application/json", CALL)
    assert looked.raw is not None
    assert orjson.loads(looked.raw) == orjson.loads(raw.replace(b"secret", b"[MASK]"))
