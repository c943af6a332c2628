"""Guardrails: what is looked for in what is sent and answered, and what becomes of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import openai
import pytest
import pytest_asyncio

from llmo_core.ids import new_id
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.platform import Platform
from tests.integration.gateway.scripted import Scripted, scripted

ADDRESS = "ada@example.org"
ANSWER = f"Write to {ADDRESS} now."
CARD = "4111 1111 1111 1111"


@pytest_asyncio.fixture
async def own(set_up: SetUp) -> AsyncIterator[Scripted]:
    """The organization's provider with the model `own`, a dollar for a million tokens; it answers an address."""
    async with scripted(ANSWER) as provider:
        provider.usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        provider.pieces = 4
        await set_up.provider("one", provider.url)
        await set_up.model("own", "one", price="1")
        yield provider


async def ask(platform: Platform, set_up: SetUp, text: str = "Say hello", **changes: Any) -> Any:
    """An answer with its headers."""
    asked = {"model": "own", "messages": [{"role": "user", "content": text}], **changes}
    return await platform.client(set_up.org).chat.completions.with_raw_response.create(**asked)


async def streamed(platform: Platform, set_up: SetUp, text: str = "Say hello") -> str:
    """The whole text of a streamed answer."""
    asked: Any = {"model": "own", "messages": [{"role": "user", "content": text}], "stream": True}
    chunks = await platform.client(set_up.org).chat.completions.create(**asked)
    return "".join([choice.delta.content or "" async for chunk in chunks for choice in chunk.choices])


def content(answer: Any) -> str:
    text: str = answer.parse().choices[0].message.content
    return text


def told(platform: Platform, set_up: SetUp) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """The status of each call, and the guardrails that it set off."""
    return [
        (
            event["data"]["status"],
            [(found["name"], found["stage"], found["action"]) for found in event["data"]["guardrails"]],
        )
        for event in platform.usage(set_up.org)
    ]


async def test_what_is_sent_is_masked_everywhere_before_it_leaves(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.guardrail("pii", "pii", "mask", stage="input", pii=["email", "credit_card"])
    image = "data:image/png;base64," + "4111111111111111" * 4
    messages: list[Any] = [
        {"role": "system", "content": f"Answer {ADDRESS}"},
        {
            "role": "user",
            "content": [{"type": "text", "text": CARD}, {"type": "image_url", "image_url": {"url": image}}],
        },
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": f'{{"to":"{ADDRESS}"}}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": f"sent to {ADDRESS}"},
        {"role": "user", "content": "4111 1111"},
        {"role": "user", "content": "1111 1111"},
    ]

    answer = await ask(platform, set_up, messages=messages)

    (sent,) = own.calls
    assert sent["messages"][0]["content"] == "Answer [EMAIL]"
    assert sent["messages"][1]["content"][0]["text"] == "[CREDIT_CARD]"
    assert sent["messages"][1]["content"][1] == messages[1]["content"][1]
    assert sent["messages"][2]["tool_calls"][0]["function"]["arguments"] == '{"to":"[EMAIL]"}'
    assert sent["messages"][3]["content"] == "sent to [EMAIL]"
    assert [message["content"] for message in sent["messages"][4:]] == ["4111 1111", "1111 1111"]  # not seen together
    assert content(answer) == ANSWER
    assert answer.headers["x-llmo-guardrails"] == "pii=mask"
    assert told(platform, set_up) == [("ok", [("pii", "input", "mask")])]


async def test_a_call_that_is_blocked_is_not_made_holds_nothing_and_is_told(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.guardrail("projects", "deny", "block", words=["blue moon"], message="Ask security@example.org.")

    with pytest.raises(openai.BadRequestError) as refused:
        await ask(platform, set_up, "What is Blue  Moon?", user="ada", extra_headers={"x-llmo-tags": "team=a"})

    assert (refused.value.code, refused.value.type) == ("content_filter", "invalid_request_error")
    assert "projects" in refused.value.message
    assert "security@example.org" in refused.value.message
    assert "moon" not in refused.value.message.lower()
    assert refused.value.response.headers["x-llmo-guardrails"] == "projects=block"
    assert own.calls == []
    assert await platform.redis.zcard(f"{{{set_up.org.org_ref}}}:holds") == 0
    (event,) = platform.usage(set_up.org)
    data = event["data"]
    assert (data["status"], data["http_status"], data["error_code"]) == ("blocked", 400, "content_filter")
    assert (data["cost_usd"], data["input_tokens"], data["attempts"]) == ("0", 0, 0)
    assert (data["end_user"], data["tags"], data["cache"]) == ("ada", {"team": "a"}, "off")
    assert data["guardrails"] == [{"name": "projects", "stage": "input", "action": "block"}]


async def test_strangers_learn_nothing(platform: Platform, set_up: SetUp, own: Scripted) -> None:
    await set_up.guardrail("projects", "deny", "block", words=["moon"])
    stranger = platform.client_with(set_up.org.api_key[:-7] + "0000000")
    with pytest.raises(openai.AuthenticationError):
        await stranger.chat.completions.create(model="own", messages=[{"role": "user", "content": "moon"}])
    assert own.calls == []
    assert platform.usage(set_up.org) == []


async def test_the_event_of_a_blocked_call_survives_an_outage_of_the_bus(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.guardrail("projects", "deny", "block", words=["moon"])
    platform.bus.down = True
    try:
        with pytest.raises(openai.BadRequestError, match="projects"):
            await ask(platform, set_up, "moon")
        assert platform.usage(set_up.org) == []
    finally:
        platform.bus.down = False
    platform.clock.advance(3600)
    await platform.sweep()
    assert told(platform, set_up) == [("blocked", [("projects", "input", "block")])]
    assert own.calls == []


async def test_a_key_that_was_revoked_is_told_nothing_and_counts_nothing(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    assert content(await ask(platform, set_up)) == ANSWER
    await set_up.guardrail("projects", "deny", "block", words=["moon"])
    pattern = f"{{{set_up.org.org_ref}}}:key:*"
    for name in [name async for name in platform.redis.scan_iter(pattern)]:
        await platform.redis.set(name, "revoked")
    with pytest.raises(openai.AuthenticationError):
        await ask(platform, set_up, "moon")
    assert len(platform.usage(set_up.org)) == len(own.calls) == 1


async def test_no_log_has_what_was_found(
    platform: Platform, set_up: SetUp, own: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    await set_up.guardrail("pii", "pii", "mask", stage="output", pii=["email"])
    stop = await set_up.guardrail("stop", "deny", "block", words=["xyzzy plugh"])
    with pytest.raises(openai.BadRequestError):
        await ask(platform, set_up, "xyzzy plugh")
    await set_up.change("guardrails", stop, action="flag")
    await ask(platform, set_up, "xyzzy plugh")
    logged = "".join(capfd.readouterr())
    assert "content_filter" in logged
    for secret in ("xyzzy", ADDRESS):
        assert secret not in logged
        assert not any(secret in str(event) for event in platform.usage(set_up.org))
    assert len(own.calls) == 1


async def test_an_answer_is_masked_and_kept_masked(platform: Platform, set_up: SetUp, own: Scripted) -> None:
    await set_up.guardrail("pii", "pii", "mask", stage="output", pii=["email"])

    first, second = await ask(platform, set_up), await ask(platform, set_up)

    assert (content(first), content(second)) == ("Write to [EMAIL] now.",) * 2
    assert (first.headers["x-llmo-cache"], second.headers["x-llmo-cache"]) == ("miss", "hit")
    assert first.headers["x-llmo-guardrails"] == "pii=mask"
    assert len(own.calls) == 1
    assert told(platform, set_up)[0] == ("ok", [("pii", "output", "mask")])


async def test_an_answer_that_is_blocked_is_paid_for_and_not_kept(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.guardrail("pii", "pii", "block", stage="output", pii=["email"])

    for _ in range(2):
        with pytest.raises(openai.BadRequestError) as refused:
            await ask(platform, set_up)
        assert refused.value.code == "content_filter"
        assert ADDRESS not in refused.value.response.text

    assert len(own.calls) == 2
    assert told(platform, set_up) == [("blocked", [("pii", "output", "block")])] * 2
    for event in platform.usage(set_up.org):
        assert (event["data"]["cost_usd"], event["data"]["output_tokens"]) == ("0.00002", 5)
        assert (event["data"]["http_status"], event["data"]["error_code"]) == (400, "content_filter")
    await platform.until_idle(set_up.org)


async def test_a_stream_is_held_back_until_it_was_looked_at(platform: Platform, set_up: SetUp, own: Scripted) -> None:
    masking = await set_up.guardrail("pii", "pii", "mask", stage="output", pii=["email"])

    assert [await streamed(platform, set_up) for _ in range(2)] == ["Write to [EMAIL] now."] * 2

    assert len(own.calls) == 1  # the second one came from the cache
    await set_up.change("guardrails", masking, action="block")
    with pytest.raises(openai.BadRequestError) as refused:
        await streamed(platform, set_up)
    assert refused.value.code == "content_filter"
    assert told(platform, set_up) == [
        ("ok", [("pii", "output", "mask")]),
        ("ok", []),
        ("blocked", [("pii", "output", "block")]),
    ]
    await platform.until_idle(set_up.org)


async def test_a_stream_that_breaks_while_it_is_held_back_is_an_error(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.guardrail("pii", "pii", "mask", stage="output", pii=["email"])
    own.then("break")
    with pytest.raises(openai.InternalServerError):
        await streamed(platform, set_up)
    assert [status for status, _ in told(platform, set_up)] == ["error"]
    await platform.until_idle(set_up.org)


async def test_a_client_that_leaves_a_stream_that_is_held_back_leaves_no_hold(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.guardrail("pii", "pii", "mask", stage="output", pii=["email"])
    own.hold()
    call = asyncio.create_task(streamed(platform, set_up))
    await own.until_called(1)
    call.cancel()
    await platform.until_idle(set_up.org)
    own.let_go()
    async with asyncio.timeout(5):
        while not platform.usage(set_up.org):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)
    assert [status for status, _ in told(platform, set_up)] == ["aborted"]


async def test_flagging_lets_streams_pass_and_notes_it_at_their_end(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.guardrail("pii", "pii", "flag", pii=["email"])
    assert await streamed(platform, set_up, f"Who is {ADDRESS}?") == ANSWER
    assert own.calls[0]["messages"][0]["content"] == f"Who is {ADDRESS}?"
    assert told(platform, set_up) == [("ok", [("pii", "input", "flag"), ("pii", "output", "flag")])]


async def test_a_change_counts_at_the_next_call_and_serves_no_answer_from_before(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    assert content(await ask(platform, set_up)) == ANSWER
    guardrail = await set_up.guardrail("pii", "pii", "mask", stage="output", pii=["email"])
    assert content(await ask(platform, set_up)) == "Write to [EMAIL] now."
    await set_up.change("guardrails", guardrail, enabled=False)
    answer = await ask(platform, set_up)
    assert (content(answer), answer.headers["x-llmo-cache"]) == (ANSWER, "hit")
    assert len(own.calls) == 2
    blocking = await set_up.guardrail("words", "deny", "block", words=["hello"])
    with pytest.raises(openai.BadRequestError):
        await ask(platform, set_up)
    await set_up.change("guardrails", blocking, enabled=False)
    assert content(await ask(platform, set_up)) == ANSWER


@pytest.mark.usefixtures("own")
async def test_a_guardrail_of_another_project_or_organization_does_nothing(platform: Platform, set_up: SetUp) -> None:
    await set_up.guardrail("theirs", "deny", "block", words=["hello"], project_id=new_id())
    await set_up.guardrail("foreign", "deny", "block", words=["hello"], org_id=new_id())
    assert content(await ask(platform, set_up)) == ANSWER
    await set_up.guardrail("ours", "deny", "block", words=["hello"], project_id=set_up.org.project_id)
    with pytest.raises(openai.BadRequestError, match="ours"):
        await ask(platform, set_up)


@pytest.mark.usefixtures("own")
async def test_an_allow_list_lets_through_what_matches_it(platform: Platform, set_up: SetUp) -> None:
    await set_up.guardrail("billing", "allow", "block", stage="input", words=["invoice"], message="Invoices only.")
    assert content(await ask(platform, set_up, "An Invoice, please")) == ANSWER
    with pytest.raises(openai.BadRequestError, match=r"Invoices only\."):
        await ask(platform, set_up, "A joke, please")


async def test_an_allow_list_says_nothing_about_calls_that_ask_nothing_in_texts(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.guardrail("billing", "allow", "block", stage="input", words=["invoice"])
    client = platform.client(set_up.org)
    assert (await client.moderations.create(input="A joke, please")).results
    image: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aW52b2ljZQ=="}}
    with pytest.raises(openai.BadRequestError, match="billing"):
        await ask(platform, set_up, messages=[{"role": "user", "content": [image]}])
    assert own.calls == []


async def test_what_is_nested_too_deeply_to_be_written_again_is_refused(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.guardrail("pii", "pii", "mask", pii=["email"])
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    with pytest.raises(openai.BadRequestError) as refused:
        await ask(platform, set_up, ADDRESS, extra_body={"deep": deep}, extra_headers={"x-llmo-cache": "no-store"})
    assert refused.value.code == "invalid_json"
    assert own.calls == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("responses", {"model": "gpt-4o-mini", "input": f"Hi {ADDRESS}", "instructions": "x"}),
        (
            "responses",
            {"model": "gpt-4o-mini", "input": [{"role": "user", "content": [{"type": "input_text", "text": ADDRESS}]}]},
        ),
        (
            "responses",
            {"model": "gpt-4o-mini", "input": [{"type": "function_call_output", "call_id": "1", "output": ADDRESS}]},
        ),
        ("completions", {"model": "gpt-3.5-turbo-instruct", "prompt": ["x", ADDRESS]}),
        ("embeddings", {"model": "text-embedding-3-small", "input": [ADDRESS]}),
        ("images/generations", {"model": "gpt-image-1", "prompt": ADDRESS}),
        ("audio/speech", {"model": "tts-1", "voice": "alloy", "input": ADDRESS}),
    ],
)
async def test_every_endpoint_that_takes_texts_is_looked_at(
    platform: Platform, set_up: SetUp, path: str, body: dict[str, Any]
) -> None:
    await set_up.guardrail("pii", "pii", "block", stage="input", pii=["email"])
    headers = {"authorization": f"Bearer {set_up.org.api_key}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{platform.url}/v1/{path}", json=body, headers=headers) as answer,
    ):
        assert (answer.status, (await answer.json())["error"]["code"]) == (400, "content_filter")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("completions", {"model": "gpt-3.5-turbo-instruct", "prompt": [1, 2, 3]}),
        ("embeddings", {"model": "text-embedding-3-small", "input": [[1, 2, 3]]}),
    ],
)
async def test_tokens_are_refused_because_nobody_can_look_at_them(
    platform: Platform, set_up: SetUp, path: str, body: dict[str, Any]
) -> None:
    await set_up.guardrail("pii", "pii", "flag", stage="input", pii=["email"])
    headers = {"authorization": f"Bearer {set_up.org.api_key}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{platform.url}/v1/{path}", json=body, headers=headers) as answer,
    ):
        assert (answer.status, (await answer.json())["error"]["code"]) == (400, "unsupported_value")


async def test_responses_are_masked_plain_and_streamed(platform: Platform, set_up: SetUp) -> None:
    await set_up.guardrail("words", "pattern", "mask", stage="output", pattern=r"[a-z]+\W+[a-z]+")
    client = platform.client(set_up.org)
    plain = await client.responses.create(model="gpt-4o-mini", input="Say hello")
    assert "[WORDS]" in plain.output_text
    events = [event async for event in await client.responses.create(model="gpt-4o-mini", input="Hi", stream=True)]
    pieces = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    (done,) = (event for event in events if event.type == "response.output_text.done")
    (last,) = (event for event in events if event.type == "response.completed")
    assert "[WORDS]" in pieces
    assert pieces == done.text == last.response.output_text


async def test_a_large_prompt_is_looked_at_while_others_are_served(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    for number in range(20):
        pattern = rf"(?i)project-{number}[a-z]{{3,20}}\b"
        await set_up.guardrail(f"p{number}", "pattern", "mask", stage="input", pattern=pattern)
    prompt = "Nothing of this is secret at all. " * 30_000 + "project-7abcd"
    large = asyncio.create_task(ask(platform, set_up, prompt))
    longest = 0.0
    async with aiohttp.ClientSession() as session:
        while not large.done():
            started = time.monotonic()
            async with session.get(f"{platform.url}/healthz") as answer:
                assert answer.status == 200
            longest = max(longest, time.monotonic() - started)
    assert content(await large) == ANSWER
    assert own.calls[0]["messages"][0]["content"].endswith("[P7]")
    assert longest < 1


async def test_a_repetition_is_the_first_answer_and_a_new_key_is_looked_at(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    one: Any = {"extra_headers": {"Idempotency-Key": "one"}}
    another: Any = {"extra_headers": {"Idempotency-Key": "two"}}
    assert content(await ask(platform, set_up, **one)) == ANSWER
    await set_up.guardrail("pii", "pii", "mask", stage="output", pii=["email"])
    again = await ask(platform, set_up, **one)
    assert (content(again), again.headers["x-llmo-idempotent-replay"]) == (ANSWER, "true")
    assert content(await ask(platform, set_up, **another)) == ANSWER.replace(ADDRESS, "[EMAIL]")
    assert len(own.calls) == 2


async def test_a_request_that_is_masked_keeps_what_else_it_asks_for(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.guardrail("pii", "pii", "mask", stage="input", pii=["email"])
    schema = {"type": "object", "properties": {"words": {"type": "array"}, "logprobs": {"type": "boolean"}}}
    tools = [{"type": "function", "function": {"name": "count", "parameters": schema}}]
    await ask(platform, set_up, f"Mail {ADDRESS}", logprobs=True, tools=tools)
    (call,) = own.calls
    assert call["messages"][0]["content"] == "Mail [EMAIL]"
    assert (call["logprobs"], call["tools"]) == (True, tools)
