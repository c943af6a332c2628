"""What the gateway sends of streams that break off."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from integration.gateway.app import GatewayApp
from integration.gateway.errors import AnswerBrokenOff, UpstreamBroken
from integration.gateway.models import Answer
from integration.gateway.wiring import Wired


async def broken(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    raise AnswerBrokenOff from UpstreamBroken("The model provider ended its stream early.")


async def sent(body: AsyncIterator[bytes]) -> list[dict[str, Any]]:
    """What a client is sent of an answer."""

    class Once:
        async def answer(self, *_: object, **__: object) -> Answer:
            return Answer(200, {"content-type": "audio/mpeg"}, body)

    app = GatewayApp(lambda: cast("Wired", None))
    app.wired = cast("Wired", SimpleNamespace(once=Once()))
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}"}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/audio/transcriptions", "headers": []}
    await app(scope, receive, send)
    return messages


async def test_a_stream_that_breaks_off_ends_with_its_connection() -> None:
    start, piece = await sent(broken(b"sound"))
    assert (start["status"], piece["body"], piece["more_body"]) == (200, b"sound", True)


async def test_a_stream_that_breaks_off_before_it_began_is_an_error_of_openais_shape() -> None:
    start, answer = await sent(broken())
    assert start["status"] == 502
    assert orjson.loads(answer["body"])["error"]["message"] == "The model provider ended its stream early."


@pytest.mark.parametrize("pieces", [(), (b"a", b"b")])
async def test_a_whole_stream_is_closed(pieces: tuple[bytes, ...]) -> None:
    async def whole() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    start, *bodies = await sent(whole())
    assert start["status"] == 200
    assert [message["body"] for message in bodies] == [*pieces, b""]
    assert not bodies[-1]["more_body"]
