"""What was said in calls is announced for projects that want it kept, and for nobody else."""

import json
from base64 import b64encode
from typing import Any

import openai
import pytest

from tests.integration.gateway import scripted as scripting
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.deferring import Deferring, jsonl, line
from tests.integration.gateway.platform import HELLO, Platform
from tests.integration.organizations import Org


def contents(platform: Platform, org: Org) -> list[dict[str, Any]]:
    """What was announced of an organization's calls."""
    events = platform.bus.events_of(org.org_id)
    return [event["data"] for event in events if event["type"] == "llmo.integration.content.recorded"]


async def test_nothing_is_announced_unless_the_project_wants_it(platform: Platform, org: Org) -> None:
    await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)

    assert contents(platform, org) == []


async def test_a_call_its_repetition_and_a_stream_are_announced_with_what_was_said(
    platform: Platform, org: Org, set_up: SetUp
) -> None:
    await set_up.content_logging(retention_days=30)
    client = platform.client(org)
    plain = await client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, user="ada")
    await client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, user="ada")
    stream = await client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, stream=True)
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    first, repeated, streamed = contents(platform, org)

    usage = [event["id"] for event in platform.usage(org)]
    assert [each["call_id"] for each in (first, repeated, streamed)] == usage
    assert json.loads(first["request"])["messages"] == HELLO
    assert json.loads(first["response"])["choices"][0]["message"]["content"] == plain.choices[0].message.content
    assert first["response"] == repeated["response"]
    told = {name: first[name] for name in ("status", "endpoint", "end_user", "retention_days", "redacted", "cut")}
    assert told == {
        "status": "ok",
        "endpoint": "chat.completions",
        "end_user": "ada",
        "retention_days": 30,
        "redacted": False,
        "cut": [],
    }
    pieces = [json.loads(row[6:]) for row in streamed["response"].split("\n") if row.startswith("data: {")]
    assert "".join(piece["choices"][0]["delta"].get("content") or "" for piece in pieces if piece["choices"]) == text


async def test_personal_data_is_left_out_of_what_is_kept_and_not_of_the_call(
    platform: Platform, org: Org, set_up: SetUp
) -> None:
    await set_up.content_logging(redact=["email"])
    async with scripting.scripted("Write to bob@example.org now") as own:
        own.pieces = 5
        await set_up.provider("own", own.url)
        await set_up.model("fast", "own", price="0.01")
        messages: Any = [{"role": "user", "content": "I am ada@example.org"}]
        create = platform.client(org).chat.completions.create
        answer = await create(model="fast", messages=messages)
        stream = await create(model="fast", messages=messages, stream=True)
        streamed = "".join([each.choices[0].delta.content or "" async for each in stream if each.choices])

    assert answer.choices[0].message.content == streamed == "Write to bob@example.org now"
    assert own.calls[0]["messages"] == messages
    for kept in contents(platform, org):
        assert kept["redacted"]
        assert "[EMAIL]" in kept["request"]
        assert "[EMAIL]" in kept["response"]
        assert "example.org" not in json.dumps(kept)


async def test_tokens_that_nobody_can_look_at_are_not_kept(platform: Platform, org: Org, set_up: SetUp) -> None:
    await set_up.content_logging(redact=["email"])
    await platform.client(org).embeddings.create(model="text-embedding-3-small", input=[[1, 2, 3]])
    await platform.client(org).embeddings.create(model="text-embedding-3-small", input="ada@example.org")

    tokens, text = contents(platform, org)

    assert (tokens["request"], tokens["response"]) == (None, None)
    assert "[EMAIL]" in text["request"]
    assert text["response"] is None  # numbers


async def test_an_error_and_a_blocked_call_are_announced_without_an_answer(
    platform: Platform, org: Org, set_up: SetUp
) -> None:
    await set_up.content_logging()
    await set_up.guardrail("moon", "deny", "block", stage="input", words=["moon"])
    client = platform.client(org)
    for text in ("[[status=400]]", "to the moon"):
        with pytest.raises(openai.BadRequestError):
            await client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": text}])

    failed, blocked = contents(platform, org)

    assert (failed["status"], failed["http_status"], failed["response"]) == ("error", 400, None)
    assert "[[status=400]]" in failed["request"]
    assert (blocked["status"], blocked["request"], blocked["response"]) == ("blocked", None, None)


async def test_an_answer_that_a_guardrail_blocks_is_not_kept(platform: Platform, org: Org, set_up: SetUp) -> None:
    await set_up.content_logging()
    await set_up.guardrail("anything", "pattern", "block", stage="output", pattern=".")
    create = platform.client(org).chat.completions.create
    with pytest.raises(openai.BadRequestError):
        await create(model="gpt-4o-mini", messages=HELLO)
    with pytest.raises(openai.BadRequestError):
        await create(model="gpt-4o-mini", messages=HELLO, stream=True)

    found = [(kept["status"], kept["request"], kept["response"]) for kept in contents(platform, org)]
    assert found == [("blocked", None, None)] * 2


async def test_of_a_stream_that_breaks_off_is_kept_what_came(platform: Platform, org: Org, set_up: SetUp) -> None:
    await set_up.content_logging()
    async with scripting.scripted("half of it") as own:
        await set_up.provider("own", own.url)
        await set_up.model("fast", "own", price="0.01")
        own.then("break")
        stream = await platform.client(org).chat.completions.create(model="fast", messages=HELLO, stream=True)
        with pytest.raises(openai.APIError):
            _ = [chunk async for chunk in stream]

    (kept,) = contents(platform, org)
    assert kept["status"] == "error"
    assert "half of it" in kept["response"]


async def test_of_what_is_long_the_beginning_is_kept(platform: Platform, org: Org, set_up: SetUp) -> None:
    await set_up.content_logging()
    messages: Any = [{"role": "user", "content": "so long " * 15_000}]
    await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=messages)

    (kept,) = contents(platform, org)

    assert (kept["cut"], len(kept["request"])) == (["request"], 100_000)


async def test_sounds_and_pictures_are_not_kept(platform: Platform, org: Org, set_up: SetUp) -> None:
    await set_up.content_logging()
    client = platform.client(org)
    await client.audio.speech.create(model="tts-1", voice="alloy", input="Say this")

    (kept,) = contents(platform, org)

    assert ("Say this" in kept["request"], kept["response"]) == (True, None)


async def test_a_bus_that_takes_no_contents_fails_no_call(
    platform: Platform, org: Org, set_up: SetUp, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_up.content_logging()
    with monkeypatch.context() as away:
        away.setattr(platform.bus, "down", True)
        answer = await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)

    assert answer.choices
    assert contents(platform, org) == []
    assert "the contents of a call are not kept" in caplog.text


@pytest.mark.parametrize("redact", [(), ("email",)])
async def test_pictures_sounds_and_files_in_a_call_are_not_kept(
    platform: Platform, org: Org, set_up: SetUp, redact: tuple[str, ...]
) -> None:
    await set_up.content_logging(redact=redact)
    data = b64encode(b"a picture of somebody's passport").decode()
    parts: Any = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}},
        {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{data}", "filename": "cv.pdf"}},
    ]
    messages: Any = [{"role": "user", "content": parts}]
    async with scripting.scripted("seen") as own:
        await set_up.provider("own", own.url)
        await set_up.model("fast", "own", price="0.00001")
        await platform.client(org).chat.completions.create(model="fast", messages=messages, max_tokens=5)
        assert data in json.dumps(own.calls[0])

    (kept,) = contents(platform, org)
    assert data not in kept["request"]
    assert kept["request"].count("[data]") == 3
    assert "What is this?" in kept["request"]
    assert "https://example.org/cat.png" in kept["request"]


async def test_a_call_whose_contents_cannot_be_written_down_is_answered(
    platform: Platform, org: Org, set_up: SetUp
) -> None:
    await set_up.content_logging(redact=["email"])
    deep = json.loads("[" * 300 + "]" * 300)
    body = {"model": "gpt-4o-mini", "messages": HELLO, "metadata": {"deep": deep}}
    options: Any = {"headers": {"x-llmo-cache": "no-store"}}

    answer: Any = await platform.client(org).post("/chat/completions", body=body, cast_to=object, options=options)

    assert answer["choices"]
    assert [kept["request"] for kept in contents(platform, org)] == [None]


@pytest.mark.usefixtures("files_bucket")
@pytest.mark.parametrize("model", ["gpt-4o-mini", "fast"])
async def test_deferred_calls_are_announced_too(platform: Platform, set_up: SetUp, org: Org, model: str) -> None:
    await set_up.content_logging()
    async with scripting.scripted("deferred answer") as own:
        await set_up.provider("own", own.url)
        await set_up.model("fast", "own", price="0.01")
        deferring = Deferring(platform)
        await deferring.ended(org, jsonl(line("a", model=model)))
        await deferring.wired.close()

    (kept,) = contents(platform, org)
    assert (kept["status"], kept["call_id"]) == ("ok", platform.usage(org)[0]["id"])
    assert kept["response"]
