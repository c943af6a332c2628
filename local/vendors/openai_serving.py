"""How the fake upstream serves: OpenAI's headers and errors, streams that can be paced, stalled and broken off."""

import asyncio
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

import orjson
from aiohttp import web

from local.vendors.openai_answers import BadRequest, Json
from local.vendors.openai_faults import Faults

_STALL_AFTER = 3
_RETRY_STATUSES = {429, 503}
_JSON = {"Content-Type": "application/json"}
_EVENTS = {"Content-Type": "text/event-stream; charset=utf-8"}
_REQUEST_NUMBERS = itertools.count(1)


class CallerGone(Exception):
    """The caller closed the connection before the answer was complete."""


@dataclass(frozen=True, slots=True)
class Stream:
    """What a streamed answer consists of.

    Attributes:
        pieces: As they are sent.
        broken: What `[[malformed]]` puts after the first piece.
        headers: With the media type.
    """

    pieces: Iterable[bytes]
    broken: bytes
    headers: dict[str, str]


def chunks(bodies: Iterable[Json]) -> Stream:
    """The objects of a stream that ends with `[DONE]`."""
    pieces = (b"data: " + orjson.dumps(body) + b"\n\n" for body in bodies)
    return Stream(itertools.chain(pieces, [b"data: [DONE]\n\n"]), b'data: {"id": "chatcmpl-\n\n', _EVENTS)


def events(bodies: Iterable[Json]) -> Stream:
    """The objects of a stream of typed events."""
    pieces = (b"event: " + body["type"].encode() + b"\ndata: " + orjson.dumps(body) + b"\n\n" for body in bodies)
    return Stream(pieces, b'event: odd\ndata: {"type": "odd\n\n', _EVENTS)


async def faulty(faults: Faults, request: web.Request) -> web.StreamResponse | None:
    """What the faults make of an answer before it begins; None when it is to be given."""
    await asyncio.sleep(faults.delay)
    if faults.status is not None:
        return fault(faults.status)
    if faults.stall:
        await asyncio.Event().wait()  # the caller's going cancels it
    if faults.drop_after is not None:
        return drop(request)
    if faults.malformed:
        return web.Response(text='{"id": "chatcmpl-', content_type="application/json", headers=answer_headers())
    return None


async def stream(request: web.Request, answer: Stream, faults: Faults) -> web.StreamResponse:
    """Send a streamed answer with its faults."""
    await asyncio.sleep(faults.delay)
    if faults.status is not None:
        return fault(faults.status)
    response = web.StreamResponse(headers={**answer_headers(), **answer.headers})
    await response.prepare(request)
    for sent, piece in enumerate(answer.pieces):
        if faults.stall and sent == _STALL_AFTER:
            await asyncio.Event().wait()  # the caller's going cancels it
        if sent == faults.drop_after:
            return drop(request, response)
        if faults.malformed and sent == 1:
            await response.write(answer.broken)
        if sent and faults.pace:
            await asyncio.sleep(faults.pace)
        if _gone(request):
            raise CallerGone
        await response.write(piece)
    await response.write_eof()
    return response


async def read_json(request: web.Request) -> Json:
    """The object in a request. Raises BadRequest."""
    body = parsed(await request.read())
    if not isinstance(body, dict):
        raise BadRequest("We could not parse the JSON body of your request.", None)
    return body


def parsed(body: bytes) -> Json | str:
    """A body as its object, or as text when it is none."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")
    return found if isinstance(found, dict) else body.decode()


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def drop(request: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
    """Close the connection in the middle of the answer."""
    if request.transport is not None:
        request.transport.close()
    return response or web.Response()


def fault(status: int) -> web.Response:
    """The error that a request asked for."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return error(status, "Rate limit reached for requests.", None, "rate_limit_exceeded", "requests")
    kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    return error(status, "The fault that the request asked for.", None, None, kind)


def error(
    status: int, message: str, param: str | None, code: str | None, kind: str = "invalid_request_error"
) -> web.Response:
    """An error in OpenAI's shape."""
    shape = {"message": message, "type": kind, "param": param, "code": code}
    headers = answer_headers() | ({"retry-after": "1"} if status in _RETRY_STATUSES else {})
    return web.Response(body=orjson.dumps({"error": shape}), status=status, headers=headers | _JSON)


def answer(body: Json) -> web.Response:
    """A plain answer."""
    return web.Response(body=orjson.dumps(body), headers=answer_headers() | _JSON)


def answer_headers() -> dict[str, str]:
    """The headers of every answer."""
    return {
        "x-request-id": f"req_{next(_REQUEST_NUMBERS):032x}",
        "openai-version": "2020-10-01",
        "openai-processing-ms": "1",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-reset-requests": "6ms",
    }
