"""The fake upstream's legacy completions: https://platform.openai.com/docs/api-reference/completions."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from local.vendors.openai_answers import CREATED, BadRequest, Json, check_model, count_tokens, prose
from local.vendors.openai_faults import parse_faults
from local.vendors.openai_serving import answer, chunks, faulty, read_json, stream

COMPLETION_MODELS = ("gpt-3.5-turbo-instruct", "davinci-002", "babbage-002")
_MAX_TOKENS = 16  # OpenAI's own default


@dataclass(frozen=True, slots=True)
class _Completion:
    id: str
    model: str
    choices: tuple[tuple[str, ...], ...]
    usage: Json

    def body(self, *, with_usage: bool) -> Json:
        choices = [self._choice(index, "".join(tokens), "length") for index, tokens in enumerate(self.choices)]
        return self._envelope(choices) | ({"usage": self.usage} if with_usage else {})

    def chunks(self, *, include_usage: bool) -> Iterator[Json]:
        null_usage: Json = {"usage": None} if include_usage else {}
        for index, tokens in enumerate(self.choices):
            for number, token in enumerate(tokens):
                reason = "length" if number == len(tokens) - 1 else None
                yield self._envelope([self._choice(index, token, reason)]) | null_usage
        if include_usage:
            yield self._envelope([]) | {"usage": self.usage}

    def _choice(self, index: int, text: str, reason: str | None) -> Json:
        return {"text": text, "index": index, "logprobs": None, "finish_reason": reason}

    def _envelope(self, choices: list[Json]) -> Json:
        return {
            "id": self.id,
            "object": "text_completion",
            "created": CREATED,
            "model": self.model,
            "choices": choices,
        }


async def completions(request: web.Request) -> web.StreamResponse:
    """`POST /v1/completions`."""
    body = await read_json(request)
    check_model(body, COMPLETION_MODELS)
    prompts = _prompts(body.get("prompt") or "")
    faults = parse_faults(str(prompts[-1]))
    completion = _complete(body, prompts, faults.chunks)
    if body.get("stream"):
        wanted = bool((body.get("stream_options") or {}).get("include_usage")) and not faults.no_usage
        return await stream(request, chunks(completion.chunks(include_usage=wanted)), faults)
    return await faulty(faults, request) or answer(completion.body(with_usage=not faults.no_usage))


def _prompts(given: str | list[str] | list[int] | list[list[int]]) -> list[str | list[int]]:
    if isinstance(given, str):
        return [given]
    if given and all(isinstance(item, int) for item in given):
        return [[item for item in given if isinstance(item, int)]]
    return [item for item in given if not isinstance(item, int)]


def _complete(body: Json, prompts: list[str | list[int]], wanted: int | None) -> _Completion:
    limit = body.get("max_tokens")
    length = min(wanted or _MAX_TOKENS, _MAX_TOKENS if limit is None else limit)
    number, tries = body.get("n") or 1, max(body.get("best_of") or 1, body.get("n") or 1)
    if (body.get("best_of") or number) < number:
        raise BadRequest("You requested that the server return more choices than it will generate.", "best_of")
    seed = hashlib.sha256(f"{body['model']}\n{prompts}".encode()).hexdigest()
    choices = tuple(prose(f"{seed}{index}", length) for index in range(number * len(prompts)))
    given = sum(count_tokens(prompt) if isinstance(prompt, str) else len(prompt) for prompt in prompts)
    produced = length * tries * len(prompts)
    usage = {"prompt_tokens": given, "completion_tokens": produced, "total_tokens": given + produced}
    return _Completion(f"cmpl-{seed[:29]}", body["model"], choices, usage)
