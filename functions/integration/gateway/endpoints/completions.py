"""Chat completions, and the completions that came before them.

https://platform.openai.com/docs/api-reference/chat, https://platform.openai.com/docs/api-reference/completions
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, override

import orjson

from integration.gateway.call import Call, Endpoint, Step
from integration.gateway.canonical import levelled, question, with_last
from integration.gateway.endpoints import request as body
from integration.gateway.endpoints.chunk_meter import ChunkMeter, choices
from integration.gateway.endpoints.form import (
    CHARACTERS_PER_TOKEN,
    MEDIA_TOKENS_ESTIMATE,
    OUTPUT_TOKENS_ESTIMATE,
    Asked,
    Form,
    Reading,
)
from integration.gateway.endpoints.media import IMAGE_TOKENS_BOUND, data_url_bytes
from integration.gateway.endpoints.messages import SAID, chunk_texts, message_texts
from integration.gateway.endpoints.places import Slot, paths, texts_at
from integration.gateway.endpoints.request import JsonRequest, Request
from integration.gateway.errors import InvalidCall
from integration.gateway.facts import facts, in_latin_script
from integration.gateway.metering import Size, Unit, Usage
from integration.gateway.optimizing import optimize
from integration.gateway.organization import Policy
from integration.gateway.planning import Plan
from integration.gateway.usage import Json, read_usage

_TEXT_PARTS: Final = ("text", "refusal")
_TEXT: Final = paths("text")
_REPEATED: Final = paths("choices.logprobs")
_LEGACY_MAX_TOKENS: Final = 16  # what OpenAI takes when `max_tokens` is missing


class ChatCompletions(Form):
    """`POST /v1/chat/completions`."""

    endpoint = Endpoint.CHAT_COMPLETIONS
    asks_in_text = True
    answers_in_text = True
    repeated = _REPEATED

    def check(self, fields: Json) -> None:
        """Raise InvalidCall unless there are messages."""
        if fields.get("messages") is None:
            raise body.missing("messages")
        messages = fields["messages"]
        if not isinstance(messages, list) or not messages or not all(isinstance(message, dict) for message in messages):
            raise InvalidCall("'messages' must be a non-empty array of message objects.", param="messages")

    @property
    @override
    def prompted(self) -> Callable[[Json, list[Json]], Json]:
        """Puts the messages of a prompt before those of a call."""
        return _prompted

    @override
    def optimized(self, request: Request, policy: Policy, owner: str) -> tuple[Request, tuple[Step, ...]]:
        """The request as a policy wants it, and what was done to it."""
        made = optimize(request.fields, policy, owner=owner)
        if not made.steps:
            return request, ()
        return JsonRequest(orjson.dumps(made.body), dict(made.body)), made.steps

    @override
    def levelled(self, request: Request, policy: Policy) -> Request | None:
        """The request with its last message in canonical form."""
        body = levelled(request.fields, any_temperature=policy.cache_any_temperature)
        return None if body is None else JsonRequest(b"", body)

    @override
    def asked(self, request: Request, policy: Policy) -> Asked | None:
        """The request, apart from how its last message is worded; None where the guards would know nothing of that."""
        text = question(request.fields, any_temperature=policy.cache_any_temperature)
        if text is None or not in_latin_script(text):
            return None
        known = facts(text)
        return (
            Asked(text, known, JsonRequest(b"", with_last(request.fields, known.key)))
            if known.wording.content
            else None
        )

    @override
    def sent_texts(self, fields: Json) -> list[Slot]:
        """Those of all messages, with tools' results and what tools were called with, and of a predicted output."""
        return [slot for message in (*fields["messages"], fields.get("prediction")) for slot in texts_at(message, SAID)]

    @override
    def answered_texts(self, answer: Json) -> list[Slot]:
        """Those of all choices."""
        return [slot for choice in choices(answer) for slot in texts_at(choice.get("message"), SAID)]

    @override
    def streamed_texts(self, event: Json) -> Iterator[Slot]:
        """The pieces in a chunk: of a choice's message, and of what each tool is called with."""
        for choice in choices(event):
            index = choice.get("index")
            yield from (slot.of(index, *slot.where) for slot in texts_at(choice.get("delta"), SAID))

    def read(self, request: Request, plan: Plan) -> Reading:
        """What the call asks for. Byte-pair encodings never have more tokens than bytes, and JSON adds some."""
        fields = request.fields
        stream = body.flag(fields, "stream")
        wanted = stream and _usage_wanted(fields)
        text_bytes, media = _media(fields, len(request.raw))
        output_bound, output_likely = _chat_output(fields, plan)
        return Reading(
            sent=_reporting(request) if stream and not wanted else request,
            likely=Size(text_bytes // CHARACTERS_PER_TOKEN + MEDIA_TOKENS_ESTIMATE * len(media), output_likely),
            most=Size(text_bytes + sum(_media_bound(part, plan) for part in media), output_bound),
            stream=stream,
            usage_wanted=wanted,
            tools=bool(fields.get("tools") or fields.get("functions")),
            vision="image_url" in media,
            media=bool(media),
        )

    def meter(self, call: Call, _unit: Unit, _media_type: str) -> ChunkMeter:
        """What watches a stream of chunks."""
        return ChunkMeter(usage_wanted=call.usage_wanted, texts=chunk_texts)

    def usage(self, answer: Json, _call: Call, _unit: Unit) -> Usage | None:
        """The usage in a whole answer."""
        return read_usage(answer.get("usage"))

    def produced(self, answer: Json) -> str:
        """The text of a whole answer, all choices together."""
        return "".join(text for choice in choices(answer) for text in message_texts(choice.get("message")))


class Completions(Form):
    """`POST /v1/completions`."""

    endpoint = Endpoint.COMPLETIONS
    asks_in_text = True
    answers_in_text = True
    repeated = _REPEATED

    def check(self, fields: Json) -> None:
        """Raise InvalidCall when the prompt is neither text nor a list."""
        if not isinstance(fields.get("prompt"), str | list | None):
            raise InvalidCall("'prompt' must be a string or an array.", param="prompt")

    @override
    def sent_texts(self, fields: Json) -> list[Slot]:
        """The prompt, or all prompts."""
        return [*body.texts_or_refusal(fields, "prompt"), *texts_at(fields, paths("suffix"))]

    @override
    def answered_texts(self, answer: Json) -> list[Slot]:
        """Those of all choices."""
        return [slot for choice in choices(answer) for slot in texts_at(choice, _TEXT)]

    @override
    def streamed_texts(self, event: Json) -> Iterator[Slot]:
        """The pieces in a chunk."""
        for choice in choices(event):
            yield from (slot.of(choice.get("index")) for slot in texts_at(choice, _TEXT))

    def read(self, request: Request, plan: Plan) -> Reading:
        """What the call asks for; a token that is given as a number has at least as many bytes."""
        fields = request.fields
        stream = body.flag(fields, "stream")
        wanted = stream and _usage_wanted(fields)
        tries = max(body.answers(fields), body.answers(fields, "best_of"))
        limit = body.count(fields, "max_tokens", least=0)
        longest = min(_LEGACY_MAX_TOKENS if limit is None else limit, plan.max_output_tokens)
        output = longest * tries * _prompts(fields.get("prompt"))
        return Reading(
            sent=_reporting(request) if stream and not wanted else request,
            likely=Size(len(request.raw) // CHARACTERS_PER_TOKEN, output),
            most=Size(len(request.raw), output),
            stream=stream,
            usage_wanted=wanted,
        )

    def meter(self, call: Call, _unit: Unit, _media_type: str) -> ChunkMeter:
        """What watches a stream of chunks."""
        return ChunkMeter(usage_wanted=call.usage_wanted, texts=_legacy_texts)

    def usage(self, answer: Json, _call: Call, _unit: Unit) -> Usage | None:
        """The usage in a whole answer."""
        return read_usage(answer.get("usage"))

    def produced(self, answer: Json) -> str:
        """The text of a whole answer, all choices together."""
        return "".join(text for choice in choices(answer) for text in _legacy_texts(choice))


def _prompted(fields: Json, messages: list[Json]) -> Json:
    own = fields.get("messages")
    if own is None:
        return {**fields, "messages": messages}
    return {**fields, "messages": [*messages, *own]} if isinstance(own, list) else fields


def _usage_wanted(fields: Json) -> bool:
    options = fields.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise InvalidCall("'stream_options' must be an object.", param="stream_options")
    return bool(options and options.get("include_usage"))


def _reporting(request: Request) -> JsonRequest:
    """The request of a stream that reports its usage."""
    options = request.fields.get("stream_options") or {}
    return JsonRequest(request.raw, request.fields).changed({"stream_options": {**options, "include_usage": True}})


def _chat_output(fields: Json, plan: Plan) -> tuple[int, int]:
    """The most tokens that the answer can have, and how many are likely."""
    limits = [limit for name in ("max_completion_tokens", "max_tokens") if (limit := body.count(fields, name))]
    bound = min(max(limits), plan.max_output_tokens) if limits else plan.max_output_tokens
    choices_wanted = body.answers(fields)
    return bound * choices_wanted, (bound if limits else min(bound, OUTPUT_TOKENS_ESTIMATE)) * choices_wanted


def _prompts(prompt: Any) -> int:  # noqa: ANN401 - OpenAI's `prompt` is text, texts, tokens, or lists of tokens
    """How many prompts there are: a list of numbers is one, made of tokens."""
    if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int):
        return len(prompt)
    return 1


def _media(fields: Json, size: int) -> tuple[int, list[str]]:
    """How many of the body's bytes are text, and the types of the parts that are not: images, audio, files."""
    media: list[str] = []
    for message in fields["messages"]:
        parts = message.get("content")
        for part in parts if isinstance(parts, list) else ():
            kind = part.get("type") if isinstance(part, dict) else None
            if kind not in _TEXT_PARTS:
                media.append(str(kind))
                size -= data_url_bytes(part)
    return size, media


def _media_bound(kind: str, plan: Plan) -> int:
    """The most tokens that a part can have: no part has more than the model can read."""
    return IMAGE_TOKENS_BOUND if kind == "image_url" else plan.context_window


def _legacy_texts(choice: Json) -> Iterator[str]:
    if isinstance(choice.get("text"), str):
        yield choice["text"]
