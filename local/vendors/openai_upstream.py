"""A fake OpenAI-compatible upstream: `python -m local.vendors.openai_upstream --port 9000`, or `make_app()` in tests.

It answers chat completions, completions, responses, embeddings, moderations, images, speech, transcriptions,
translations, models, files and batches (`openai_batches`) in OpenAI's shapes, plain and streamed, with deterministic
text, vectors and noise and with true usage. The last user message (the input, the prompt) can ask for faults (see
`openai_faults.Faults`). `GET /_fake/stats`
counts requests and callers that went before the end (`?aborted=1` waits for the first one, ten seconds at most);
`GET /_fake/requests` shows the last requests it received, and what became of them. Both take `about=text`, for requests
whose body contains that text.

It lacks: everything about a kept response but going on from it (`previous_response_id`), conversations, stored prompts,
background responses and tools that the provider runs; tool calls, JSON mode, logprobs, stop sequences and seeds
(accepted, ignored); real images and voices, edits and variations of images, timestamps of words, speakers; the
assistants, fine-tuning, realtime and video APIs; organizations and projects; rate limits of its own;
snapshots such as `gpt-4o-2024-08-06`; lists of files and their deletion, pages of batches, checks of their lines, and
their expiry; any language understanding. Any bearer token is good.
"""

import argparse
import asyncio
import contextlib
import signal

from aiohttp import web
from aiohttp.typedefs import Handler

from local.vendors.openai_answers import CHAT_MODELS, CREATED, EMBEDDING_DIMENSIONS, BadRequest, Json, count_tokens
from local.vendors.openai_audio import SPEECH_MODELS, TRANSCRIPTION_MODELS, speech, transcriptions
from local.vendors.openai_batches import add_routes as add_batch_routes
from local.vendors.openai_chat import chat, embeddings
from local.vendors.openai_completions import COMPLETION_MODELS, completions
from local.vendors.openai_images import IMAGE_MODELS, MODERATION_MODELS, images, moderations
from local.vendors.openai_journal import Journal
from local.vendors.openai_responses import KEPT, responses
from local.vendors.openai_serving import CallerGone, answer, error, parsed

_MAX_BODY = 32 * 1024 * 1024
_LONGEST_WAIT_SECONDS = 10.0
_MODELS = (
    *CHAT_MODELS,
    *EMBEDDING_DIMENSIONS,
    *COMPLETION_MODELS,
    *MODERATION_MODELS,
    *IMAGE_MODELS,
    *SPEECH_MODELS,
    *TRANSCRIPTION_MODELS,
)
JOURNAL = web.AppKey("journal", Journal)


def make_app() -> web.Application:
    """The upstream as an aiohttp application; its journal is `app[JOURNAL]`.

    Serve it with `handler_cancellation=True`, as `serve` does: without it a caller that goes during `[[stall]]` is
    not noticed.
    """
    count_tokens("")  # reads the vocabulary, which takes a third of a second, before anybody waits for an answer
    app = web.Application(middlewares=[_openai_errors], client_max_size=_MAX_BODY)
    app[JOURNAL] = Journal()
    app[KEPT] = {}
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_post("/v1/completions", completions)
    app.router.add_post("/v1/responses", responses)
    app.router.add_post("/v1/embeddings", embeddings)
    app.router.add_post("/v1/moderations", moderations)
    app.router.add_post("/v1/images/generations", images)
    app.router.add_post("/v1/audio/speech", speech)
    app.router.add_post("/v1/audio/transcriptions", transcriptions)
    app.router.add_post("/v1/audio/translations", transcriptions)
    add_batch_routes(app)
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
            "body": parsed(body),
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
        return error(401, "You didn't provide an API key.", None, "invalid_api_key")
    try:
        return await handler(request)
    except BadRequest as refusal:
        return error(refusal.status, str(refusal), refusal.param, refusal.code)


async def _models(_: web.Request) -> web.Response:
    return answer({"object": "list", "data": [_model_object(name) for name in _MODELS]})


async def _model(request: web.Request) -> web.Response:
    name = request.match_info["model"]
    if name not in _MODELS:
        raise BadRequest(f"The model '{name}' does not exist", "model", "model_not_found", status=404)
    return answer(_model_object(name))


def _model_object(name: str) -> Json:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "system"}


async def _stats(request: web.Request) -> web.Response:
    journal = request.app[JOURNAL]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LONGEST_WAIT_SECONDS):
            await journal.until_aborted(int(request.query.get("aborted", "0")), request.query.get("about", ""))
    return web.json_response({"requests": journal.requests, "aborted": journal.aborted})


async def _requests(request: web.Request) -> web.Response:
    return web.json_response({"requests": request.app[JOURNAL].about(request.query.get("about", ""))})


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
