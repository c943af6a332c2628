"""A fake OpenAI-compatible upstream: `python -m local.vendors.openai_upstream --port 9000`, or `make_app()` in tests.

It answers chat completions (plain and streamed), embeddings and models in OpenAI's shapes, with deterministic text and
true token counts. The last user message can ask for faults (see `openai_faults.Faults`). `GET /_fake/stats` counts
requests and callers that went before the end (`?aborted=1` waits for the first one, ten seconds at most);
`GET /_fake/requests` shows the last requests it received, and what became of them. Both take `about=text`, for requests
whose body contains that text.

It lacks: the Responses, assistants, files, batch, audio, image and moderation APIs; tool calls, JSON mode, logprobs,
stop sequences and seeds (accepted, ignored); organizations and projects; rate limits of its own; snapshots such as
`gpt-4o-2024-08-06`; any language understanding. Any bearer token is good.
"""

import argparse
import asyncio
import contextlib
import itertools
import signal
from http import HTTPStatus

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from local.vendors.openai_answers import (
    BadRequest,
    Completion,
    Json,
    check_chat,
    check_embeddings,
    complete,
    embed,
    message_text,
    model_list,
    model_object,
)
from local.vendors.openai_faults import Faults, parse_faults
from local.vendors.openai_journal import Journal

_STALL_AFTER = 3
_RETRY_STATUSES = {429, 503}
_MAX_BODY = 32 * 1024 * 1024
_LONGEST_WAIT_SECONDS = 10.0


class CallerGone(Exception):
    """The caller closed the connection before the answer was complete."""


_JSON = {"Content-Type": "application/json"}
_REQUEST_NUMBERS = itertools.count(1)
JOURNAL = web.AppKey("journal", Journal)


def make_app() -> web.Application:
    """The upstream as an aiohttp application; its journal is `app[JOURNAL]`.

    Serve it with `handler_cancellation=True`, as `serve` does: without it a caller that goes during `[[stall]]` is
    not noticed.
    """
    app = web.Application(middlewares=[_openai_errors], client_max_size=_MAX_BODY)
    app[JOURNAL] = Journal()
    app.router.add_post("/v1/chat/completions", _chat)
    app.router.add_post("/v1/embeddings", _embeddings)
    app.router.add_get("/v1/models", _models)
    app.router.add_get("/v1/models/{model}", _model)
    app.router.add_get("/_fake/stats", _stats)
    app.router.add_get("/_fake/requests", _requests)
    return app


async def serve(port: int = 0) -> tuple[web.AppRunner, str]:
    """Serve `make_app()` on 127.0.0.1, and give its base URL (with `/v1`); stop it with `await runner.cleanup()`."""
    runner = web.AppRunner(make_app(), access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/v1"


@web.middleware
async def _openai_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Remember the request, check the key, and put refusals into OpenAI's shape."""
    if request.path.startswith("/_fake/"):
        return await handler(request)
    journal = request.app[JOURNAL]
    body = await request.read()
    entry = journal.note(
        {
            "method": request.method,
            "path": request.path,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "body": _parsed(body),
        }
    )
    try:
        answer = await _answered(request, handler)
    except (CallerGone, ConnectionResetError, asyncio.CancelledError):
        journal.note_abort(entry)
        raise
    journal.note_answer(entry)
    return answer


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not request.headers.get("Authorization", "").removeprefix("Bearer ").strip():
        return _error(401, "You didn't provide an API key.", None, "invalid_api_key")
    try:
        return await handler(request)
    except BadRequest as refusal:
        return _error(refusal.status, str(refusal), refusal.param, refusal.code)


async def _chat(request: web.Request) -> web.StreamResponse:
    body = await _json(request)
    check_chat(body)
    faults = parse_faults(_last_user_message(body))
    await asyncio.sleep(faults.delay)
    if faults.status is not None:
        return _fault(faults.status)
    completion = complete(body, faults)
    if body.get("stream"):
        return await _stream(request, completion, faults, body.get("stream_options") or {})
    if faults.stall:
        await asyncio.Event().wait()  # the caller's going cancels it
    if faults.drop_after is not None:
        return _drop(request)
    if faults.malformed:
        return web.Response(text='{"id": "chatcmpl-', content_type="application/json", headers=_headers())
    return _answer(completion.body(with_usage=not faults.no_usage))


async def _stream(request: web.Request, completion: Completion, faults: Faults, options: Json) -> web.StreamResponse:
    response = web.StreamResponse(headers={**_headers(), "Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    include_usage = bool(options.get("include_usage")) and not faults.no_usage
    for sent, chunk in enumerate(completion.chunks(include_usage=include_usage)):
        if faults.stall and sent == _STALL_AFTER:
            await asyncio.Event().wait()  # the caller's going cancels it
        if sent == faults.drop_after:
            return _drop(request, response)
        if faults.malformed and sent == 1:
            await response.write(b'data: {"id": "chatcmpl-\n\n')
        if _gone(request):
            raise CallerGone
        await response.write(b"data: " + orjson.dumps(chunk) + b"\n\n")
        if faults.pace:
            await asyncio.sleep(faults.pace)
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def _embeddings(request: web.Request) -> web.StreamResponse:
    body = await _json(request)
    check_embeddings(body)
    given = body["input"]
    faults = parse_faults(given if isinstance(given, str) else str(given[-1]))
    await asyncio.sleep(faults.delay)
    return _fault(faults.status) if faults.status is not None else _answer(embed(body))


async def _models(_: web.Request) -> web.Response:
    return _answer(model_list())


async def _model(request: web.Request) -> web.Response:
    name = request.match_info["model"]
    if name not in {model["id"] for model in model_list()["data"]}:
        raise BadRequest(f"The model '{name}' does not exist", "model", "model_not_found", status=404)
    return _answer(model_object(name))


async def _stats(request: web.Request) -> web.Response:
    journal = request.app[JOURNAL]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LONGEST_WAIT_SECONDS):
            await journal.until_aborted(int(request.query.get("aborted", "0")), request.query.get("about", ""))
    return web.json_response({"requests": journal.requests, "aborted": journal.aborted})


async def _requests(request: web.Request) -> web.Response:
    return web.json_response({"requests": request.app[JOURNAL].about(request.query.get("about", ""))})


async def _json(request: web.Request) -> Json:
    body = _parsed(await request.read())
    if not isinstance(body, dict):
        raise BadRequest("We could not parse the JSON body of your request.", None)
    return body


def _parsed(body: bytes) -> Json | str:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")
    return parsed if isinstance(parsed, dict) else body.decode()


def _last_user_message(body: Json) -> str:
    return next((message_text(message) for message in reversed(body["messages"]) if message.get("role") == "user"), "")


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _drop(request: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
    """Close the connection in the middle of the answer."""
    if request.transport is not None:
        request.transport.close()
    return response or web.Response()


def _fault(status: int) -> web.Response:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _error(status, "Rate limit reached for requests.", None, "rate_limit_exceeded", "requests")
    kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    return _error(status, "The fault that the request asked for.", None, None, kind)


def _error(
    status: int, message: str, param: str | None, code: str | None, kind: str = "invalid_request_error"
) -> web.Response:
    error = {"message": message, "type": kind, "param": param, "code": code}
    headers = _headers() | ({"retry-after": "1"} if status in _RETRY_STATUSES else {})
    return web.Response(body=orjson.dumps({"error": error}), status=status, headers=headers | _JSON)


def _answer(body: Json) -> web.Response:
    return web.Response(body=orjson.dumps(body), headers=_headers() | _JSON)


def _headers() -> dict[str, str]:
    return {
        "x-request-id": f"req_{next(_REQUEST_NUMBERS):032x}",
        "openai-version": "2020-10-01",
        "openai-processing-ms": "1",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-reset-requests": "6ms",
    }


async def _main(port: int) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    runner, url = await serve(port)
    print(f"Fake OpenAI-compatible upstream: {url}", flush=True)
    await stopped.wait()
    await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A fake OpenAI-compatible upstream on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=9000)
    asyncio.run(_main(parser.parse_args().port))
