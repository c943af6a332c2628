"""The fake upstream's responses: https://platform.openai.com/docs/api-reference/responses."""

import hashlib
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from local.vendors.openai_answers import (
    CHAT_MODELS,
    CREATED,
    DEFAULT_TOKENS,
    BadRequest,
    Json,
    check_model,
    count_tokens,
    prose,
)
from local.vendors.openai_faults import Faults, parse_faults
from local.vendors.openai_serving import answer, events, faulty, read_json, stream

KEPT = web.AppKey("responses", MutableMapping[str, int])
"""How many tokens the kept responses are, with all that was said before them."""

_TOKENS_PER_ITEM = 3
_IMAGE_TOKENS = 765  # a 1024x1024 image at high detail: https://platform.openai.com/docs/guides/images-vision


@dataclass(frozen=True, slots=True)
class _Response:
    id: str
    request: Json
    tokens: tuple[str, ...]
    incomplete: bool
    usage: Json

    def body(self, *, with_usage: bool) -> Json:
        """The `response` object when it has ended."""
        reason = {"reason": "max_output_tokens"} if self.incomplete else None
        return self._object("incomplete" if self.incomplete else "completed", [self._message("completed")]) | {
            "incomplete_details": reason,
            "usage": self.usage if with_usage else None,
        }

    def events(self, *, with_usage: bool) -> Iterator[Json]:
        """The events, numbered, in the order in which OpenAI sends them."""
        return (event | {"sequence_number": number} for number, event in enumerate(self._events(with_usage=with_usage)))

    def _events(self, *, with_usage: bool) -> Iterator[Json]:
        where = {"item_id": f"msg_{self.id[5:]}", "output_index": 0, "content_index": 0}
        begun = self._object("in_progress", [])
        yield {"type": "response.created", "response": begun}
        yield {"type": "response.in_progress", "response": begun}
        message = self._message("in_progress") | {"content": []}
        yield {"type": "response.output_item.added", "output_index": 0, "item": message}
        yield {"type": "response.content_part.added", **where, "part": _part("")}
        for token in self.tokens:
            yield {"type": "response.output_text.delta", **where, "delta": token, "logprobs": []}
        text = "".join(self.tokens)
        yield {"type": "response.output_text.done", **where, "text": text, "logprobs": []}
        yield {"type": "response.content_part.done", **where, "part": _part(text)}
        yield {"type": "response.output_item.done", "output_index": 0, "item": self._message("completed")}
        ended = self.body(with_usage=with_usage)
        yield {"type": f"response.{ended['status']}", "response": ended}

    def _message(self, status: str) -> Json:
        content = [_part("".join(self.tokens))]
        return {
            "id": f"msg_{self.id[5:]}",
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": content,
        }

    def _object(self, status: str, output: list[Json]) -> Json:
        asked = self.request
        return {
            "id": self.id,
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": None,
            "instructions": asked.get("instructions"),
            "max_output_tokens": asked.get("max_output_tokens"),
            "metadata": asked.get("metadata") or {},
            "model": asked["model"],
            "output": output,
            "parallel_tool_calls": True,
            "previous_response_id": asked.get("previous_response_id"),
            "service_tier": "default",
            "store": asked.get("store", True),
            "temperature": 1.0,
            "tool_choice": asked.get("tool_choice") or "auto",
            "tools": asked.get("tools") or [],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": None,
        }


async def responses(request: web.Request) -> web.StreamResponse:
    """`POST /v1/responses`."""
    body = await read_json(request)
    check_model(body, CHAT_MODELS)
    if body.get("input") is None:
        raise BadRequest("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    texts = list(_texts(body["input"]))
    faults = parse_faults(texts[-1] if texts else "")
    response = _respond(body, texts, faults, request.app[KEPT])
    if body.get("stream"):
        return await stream(request, events(response.events(with_usage=not faults.no_usage)), faults)
    return await faulty(faults, request) or answer(response.body(with_usage=not faults.no_usage))


def _respond(body: Json, texts: list[str], faults: Faults, kept: MutableMapping[str, int]) -> _Response:
    """Answer a checked request; the same input gets the same text. One that is kept can be gone on from."""
    previous = body.get("previous_response_id")
    if previous is not None and previous not in kept:
        message = f"Previous response with id '{previous}' not found."
        raise BadRequest(message, "previous_response_id", "previous_response_not_found")
    seed = hashlib.sha256(f"{body['model']}\n{previous}\n{texts}".encode()).hexdigest()
    wanted = faults.chunks or DEFAULT_TOKENS
    limit = body.get("max_output_tokens") or wanted + faults.reasoning
    tokens = prose(seed, min(wanted, limit))
    given = sum(_TOKENS_PER_ITEM + count_tokens(text) for text in [*texts, body.get("instructions") or ""])
    given += _IMAGE_TOKENS * _images(body["input"]) + kept.get(previous or "", 0)
    produced = len(tokens) + faults.reasoning
    usage = {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": min(faults.cached, given), "cache_write_tokens": 0},
        "output_tokens": produced,
        "output_tokens_details": {"reasoning_tokens": faults.reasoning},
        "total_tokens": given + produced,
    }
    response = _Response(f"resp_{seed[:48]}", body, tokens, limit < wanted, usage)
    if body.get("store", True):
        kept[response.id] = given + produced
    return response


def _texts(given: Any) -> Iterator[str]:  # noqa: ANN401 - text, items, or parts of items
    if isinstance(given, str):
        yield given
    for item in given if isinstance(given, list) else ():
        yield from _texts(item.get("content") or item.get("text") or item.get("output") or [])


def _images(given: Any) -> int:  # noqa: ANN401 - likewise
    items = given if isinstance(given, list) else []
    return sum((item.get("type") == "input_image") + _images(item.get("content")) for item in items)


def _part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
