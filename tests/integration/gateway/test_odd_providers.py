"""Providers that do not behave: what comes back is still OpenAI's shape, and is still metered."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import openai
import pytest

from tests.integration.gateway.conftest import RunGateway
from tests.integration.gateway.platform import HELLO, Platform
from tests.integration.organizations import Org

USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
ANSWER = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini", "choices": [CHOICE]}
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def http(body: bytes, *, status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "content-type: application/json", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunk(data: object) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    event = f"data: {text}\n\n".encode()
    return b"%x\r\n" % len(event) + event + b"\r\n"


def delta(text: str) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return {**ANSWER, "object": "chat.completion.chunk", "choices": [choice]}


@asynccontextmanager
async def provider(
    *writes: bytes, then_wait: bool = False, then_close: bool = False, asked: asyncio.Event | None = None
) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A provider that answers every request with these writes.

    Its event tells that a caller went, and `asked` that a request came.
    """
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await request_head(reader):
            size = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            await reader.readexactly(size)
            if asked is not None:
                asked.set()
            for data in writes:
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(0)
            if then_close:
                break
            if then_wait:
                await reader.read()
                break
        gone.set()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", gone


async def request_head(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).lower()
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


async def recorded(platform: Platform, org: Org) -> dict[str, Any]:
    (event,) = await platform.bus.wait_for(org.org_id, 1)
    data: dict[str, Any] = event["data"]
    return data


async def read(platform: Platform, org: Org) -> str:
    stream = await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO, stream=True)
    return "".join([part.choices[0].delta.content or "" async for part in stream if part.choices])


async def test_a_stream_ends_at_its_done_even_when_the_connection_stays_open(run_gateway: RunGateway, org: Org) -> None:
    writes = (STREAM_HEAD, chunk(delta("hello")), chunk({**delta(""), "choices": [], "usage": USAGE}), chunk("[DONE]"))
    async with (
        asyncio.timeout(30),
        provider(*writes, then_wait=True) as (url, gone),
        run_gateway(upstream_base_url=url) as platform,
    ):
        assert await read(platform, org) == "hello"
        await gone.wait()
        data = await recorded(platform, org)
    assert (data["status"], data["output_tokens"], data["estimated"]) == ("ok", 3, False)


async def test_an_error_in_the_middle_of_a_stream_counts_as_an_error(run_gateway: RunGateway, org: Org) -> None:
    writes = (STREAM_HEAD, chunk(delta("hel")), chunk({"error": {"message": "overloaded"}}), chunk("[DONE]"))
    async with provider(*writes, b"0\r\n\r\n") as (url, _), run_gateway(upstream_base_url=url) as platform:
        with pytest.raises(openai.APIError, match="overloaded"):
            await read(platform, org)
        data = await recorded(platform, org)
    assert data["status"] in {"error", "aborted"}, "the client leaves as soon as it reads the error"
    assert data["output_tokens"] > 0


async def test_an_error_that_pretends_to_be_fine_is_an_error_and_free(run_gateway: RunGateway, org: Org) -> None:
    body = json.dumps({"error": {"message": "overloaded"}}).encode()
    async with provider(http(body)) as (url, _), run_gateway(upstream_base_url=url) as platform:
        with pytest.raises(openai.InternalServerError, match="overloaded") as failure:
            await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
        data = await recorded(platform, org)
    assert failure.value.status_code == 502
    assert (data["status"], data["cost_usd"]) == ("error", "0")


async def test_an_error_that_comes_in_pieces_is_passed_on_whole(run_gateway: RunGateway, org: Org) -> None:
    error = {"message": "x" * 5_000, "type": "invalid_request_error", "param": "messages", "code": "odd"}
    whole = http(json.dumps({"error": error}).encode(), status="400 Bad Request")
    async with provider(whole[:200], whole[200:]) as (url, _), run_gateway(upstream_base_url=url) as platform:
        with pytest.raises(openai.BadRequestError) as refusal:
            await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert refusal.value.body == error


async def test_a_compressed_answer_is_understood(run_gateway: RunGateway, org: Org) -> None:
    compressed = http(gzip.compress(json.dumps({**ANSWER, "usage": USAGE}).encode()), content_encoding="gzip")
    async with provider(compressed) as (url, _), run_gateway(upstream_base_url=url) as platform:
        answer = await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert answer.choices[0].message.content == "hello"


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": None}, {"prompt_tokens": 10**14, "completion_tokens": 1}])
async def test_usage_without_sense_is_estimated_and_not_cached(
    run_gateway: RunGateway, org: Org, usage: dict[str, Any]
) -> None:
    body = json.dumps({**ANSWER, "usage": usage}).encode()
    async with provider(http(body)) as (url, _), run_gateway(upstream_base_url=url) as platform:
        states = []
        for _ in range(2):
            raw = await platform.client(org).chat.completions.with_raw_response.create(
                model="gpt-4o-mini", messages=HELLO
            )
            states.append(raw.headers["x-llmo-cache"])
        events = await platform.bus.wait_for(org.org_id, 2)
    assert states == ["miss", "miss"]
    assert all(event["data"]["estimated"] and event["data"]["cost_usd"] != "0" for event in events)


@pytest.mark.parametrize("model", ["evil\r\nset-cookie: a=b", "tab\tand nul\x00", "é 漢"])
async def test_what_a_provider_calls_its_model_is_no_header_of_its_own(
    run_gateway: RunGateway, org: Org, model: str
) -> None:
    body = json.dumps({**ANSWER, "model": model, "usage": USAGE}).encode()
    async with provider(http(body)) as (url, _), run_gateway(upstream_base_url=url) as platform:
        for cached in ("miss", "hit"):
            raw = await platform.client(org).chat.completions.with_raw_response.create(
                model="gpt-4o-mini", messages=HELLO
            )
            assert raw.headers["x-llmo-cache"] == cached
            assert "set-cookie" not in raw.headers
            assert raw.headers["x-llmo-model"].isprintable()
            assert raw.parse().model == model


async def test_a_redirect_is_not_followed(run_gateway: RunGateway, org: Org) -> None:
    moved = http(b"", status="307 Temporary Redirect", location="http://127.0.0.1:9/")
    async with provider(moved) as (url, _), run_gateway(upstream_base_url=url) as platform:
        with pytest.raises(openai.InternalServerError) as failure:
            await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert failure.value.status_code == 502


async def test_a_client_that_leaves_before_the_first_byte_stops_the_provider(run_gateway: RunGateway, org: Org) -> None:
    asked = asyncio.Event()
    async with (
        asyncio.timeout(30),
        provider(then_wait=True, asked=asked) as (url, gone),
        run_gateway(upstream_base_url=url) as platform,
    ):
        waiting = asyncio.create_task(read(platform, org))
        await asked.wait()
        waiting.cancel()
        await gone.wait()
        data = await recorded(platform, org)
    assert (data["status"], data["output_tokens"], data["estimated"]) == ("aborted", 0, True)
    assert data["input_tokens"] > 0


async def test_a_client_that_leaves_before_it_is_sent_anything_stops_the_provider(
    run_gateway: RunGateway, org: Org
) -> None:
    """Uvicorn takes nothing for a client that has not read its last answer."""
    body = json.dumps({"model": "gpt-4o-mini", "messages": HELLO, "stream": True}).encode()
    sending = asyncio.Event()
    requested = iter([{"type": "http.request", "body": body}])

    async def receive() -> dict[str, Any]:
        if (message := next(requested, None)) is not None:
            return message
        await sending.wait()
        return {"type": "http.disconnect"}

    async def send(_: dict[str, Any]) -> None:
        sending.set()
        await asyncio.Event().wait()

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": [(b"authorization", f"Bearer {org.api_key}".encode())],
    }
    async with (
        asyncio.timeout(30),
        provider(STREAM_HEAD + chunk(delta("hello")), then_wait=True) as (url, gone),
        run_gateway(upstream_base_url=url) as platform,
    ):
        with suppress(asyncio.CancelledError):
            await platform.app(scope, receive, send)
        await gone.wait()
        data = await recorded(platform, org)
    assert data["status"] == "aborted"
