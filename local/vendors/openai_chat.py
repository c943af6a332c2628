"""The fake upstream's chat completions and embeddings."""

import asyncio

from aiohttp import web

from local.vendors.openai_answers import Json, check_chat, check_embeddings, complete, embed, message_text
from local.vendors.openai_faults import parse_faults
from local.vendors.openai_serving import answer, chunks, fault, faulty, read_json, stream


async def chat(request: web.Request) -> web.StreamResponse:
    """`POST /v1/chat/completions`."""
    body = await read_json(request)
    check_chat(body)
    faults = parse_faults(_last_user_message(body))
    completion = complete(body, faults)
    if body.get("stream"):
        wanted = bool((body.get("stream_options") or {}).get("include_usage")) and not faults.no_usage
        return await stream(request, chunks(completion.chunks(include_usage=wanted)), faults)
    return await faulty(faults, request) or answer(completion.body(with_usage=not faults.no_usage))


async def embeddings(request: web.Request) -> web.StreamResponse:
    """`POST /v1/embeddings`."""
    body = await read_json(request)
    check_embeddings(body)
    given = body["input"]
    faults = parse_faults(given if isinstance(given, str) else str(given[-1]))
    await asyncio.sleep(faults.delay)
    return fault(faults.status) if faults.status is not None else answer(embed(body))


def _last_user_message(body: Json) -> str:
    return next((message_text(message) for message in reversed(body["messages"]) if message.get("role") == "user"), "")
