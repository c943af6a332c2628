"""Writing down what is said: https://platform.openai.com/docs/api-reference/audio/createTranscription."""

from collections.abc import Buffer, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import Any, Final, override

from integration.gateway.call import Call, Endpoint
from integration.gateway.endpoints import request as body
from integration.gateway.endpoints.event_meter import EventMeter
from integration.gateway.endpoints.form import CHARACTERS_PER_TOKEN, Form, Reading, Tokens
from integration.gateway.endpoints.meter import EVENT_STREAM, Meter
from integration.gateway.endpoints.multipart import MultipartRequest
from integration.gateway.endpoints.places import Slot, paths, texts_at
from integration.gateway.endpoints.request import Request
from integration.gateway.endpoints.whole_meter import WholeMeter
from integration.gateway.errors import InvalidCall, UpstreamBroken
from integration.gateway.metering import Size, Unit, Usage
from integration.gateway.planning import Plan
from integration.gateway.usage import TRANSCRIPTIONS, Json, read_answer, read_usage

_LAST_EVENTS: Final = {"transcript.text.done": False}
_NOT_JSON: Final = frozenset(("text", "srt", "vtt"))
# Six kilobits a second is the least that Opus, the most frugal of the formats that are taken, is made for (RFC 6716,
# section 2.1.1). Only silence in a lossless format takes less; then the call costs more than was held.
_LEAST_BYTES_PER_SECOND: Final = 750
_LIKELY_BYTES_PER_SECOND: Final = 16_000  # 128 kilobits, an ordinary MP3
# Every 100 ms are a token: https://platform.openai.com/docs/guides/realtime-costs
_TOKENS_PER_SECOND: Final = 10
_MS: Final = 1_000
_WRITTEN: Final = paths("text", "segments.text")
_PIECES: Final = paths("delta")
_MOST_SECONDS: Final = 1_000_000  # more is nonsense: no file that fits into a request lasts so long


class Transcriptions(Form):
    """`POST /v1/audio/transcriptions`, and `POST /v1/audio/translations`, which are the same in English.

    Args:
        endpoint: Which of the two.
    """

    units = frozenset((Unit.SECONDS, Unit.TOKENS))
    answers_in_text = True
    # A segment's tokens are numbers that anybody can look up.
    repeated = paths("logprobs", "words", "segments.words", "segments.tokens")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def parse(self, raw: bytes, headers: Mapping[str, str]) -> Request:
        """The form in a body. Raises InvalidCall."""
        return MultipartRequest(raw, headers.get("content-type", ""))

    def identity(self, raw: bytes, headers: Mapping[str, str]) -> Iterable[Buffer]:
        """What tells a request from one that is not its repetition: not its boundary. Raises InvalidCall."""
        return self.parse(raw, headers).identity()

    def check(self, fields: Json) -> None:
        """Raise InvalidCall when 'stream' is neither true nor false."""
        if fields.get("stream", "").lower() not in {"", "true", "false"}:
            raise InvalidCall("'stream' must be true or false.", param="stream")

    def read(self, request: Request, plan: Plan) -> Reading:
        """What the call asks for; how long a file lasts is known when it has been listened to."""
        file_bytes = getattr(request, "file_bytes", 0)
        if not file_bytes:
            raise body.missing("file")
        prompt = len(request.text)
        seconds = ceil(file_bytes / _LIKELY_BYTES_PER_SECOND)
        spoken = seconds * _TOKENS_PER_SECOND
        return Reading(
            sent=request,
            likely=Size(spoken + prompt // CHARACTERS_PER_TOKEN, min(spoken, plan.max_output_tokens), 0, seconds * _MS),
            most=Size(plan.context_window, plan.max_output_tokens, 0, ceil(file_bytes / _LEAST_BYTES_PER_SECOND) * _MS),
            stream=request.fields.get("stream", "").lower() == "true",
            answer_format=request.fields.get("response_format", ""),
        )

    @override
    def answered_texts(self, answer: Json) -> list[Slot]:
        """What was written down, as a whole and in segments."""
        return [*texts_at(answer, _WRITTEN)]

    @override
    def written(self, answer: Json, call: Call, found: Sequence[Slot], texts: Iterable[str]) -> bytes:
        """A whole answer with other texts, in its own format."""
        return (
            "".join(texts).encode() if call.answer_format in _NOT_JSON else super().written(answer, call, found, texts)
        )

    @override
    def streamed_texts(self, event: Json) -> Iterator[Slot]:
        """The pieces, and the whole at the end."""
        yield from (slot.of("delta") for slot in texts_at(event, _PIECES))
        yield from texts_at(event, _WRITTEN)

    def meter(self, call: Call, unit: Unit, media_type: str) -> Meter:
        """What watches a stream of events, or an answer that is none: whisper-1 streams nothing."""
        if media_type.startswith(EVENT_STREAM):
            return EventMeter(_LAST_EVENTS, report=lambda event: _used(event, unit))
        return WholeMeter(
            media_type,
            report=lambda raw: _used(self._leniently(raw, call), unit),
            text=lambda raw: self.produced(self._leniently(raw, call)),
        )

    def answer(self, raw: bytes, call: Call) -> Json:
        """A whole answer: JSON, or the text itself."""
        return {"text": raw.decode(errors="replace")} if call.answer_format in _NOT_JSON else read_answer(raw)

    def media_type(self, given: str, call: Call) -> str:
        """What a whole answer is: the provider knows."""
        return given if call.answer_format in _NOT_JSON else super().media_type(given, call)

    def _leniently(self, raw: bytes, call: Call) -> Json:
        """An answer that was passed on already, whatever it was."""
        try:
            return self.answer(raw, call)
        except UpstreamBroken:
            return {}

    def usage(self, answer: Json, _call: Call, unit: Unit) -> Usage | None:
        """The usage in a whole answer."""
        return _used(answer, unit)

    def produced(self, answer: Json) -> str:
        """What was written down."""
        return answer["text"] if isinstance(answer.get("text"), str) else ""

    async def estimate(self, call: Call, model: str, unit: Unit, produced: str, tokens: Tokens) -> Usage:
        """The usage of a call whose provider did not report it: of the longest file of its size."""
        if unit is Unit.SECONDS:
            return Usage(0, audio_ms=call.most.audio_ms, estimated=True)
        heard = min(call.most.audio_ms // _MS * _TOKENS_PER_SECOND, call.most.input_tokens)
        written = await tokens.count_text(model, produced)
        return Usage(heard, 0, written, audio_input_tokens=heard, estimated=True)


def _used(answer: Json, unit: Unit) -> Usage | None:
    reported = answer.get("usage")
    if unit is Unit.SECONDS:
        billed = reported.get("seconds") if isinstance(reported, dict) else None
        return _listened(answer.get("duration") if billed is None else billed)
    used = read_usage(reported, TRANSCRIPTIONS)
    if used is not None and isinstance(reported, dict) and reported.get("input_token_details") is None:
        return replace(used, audio_input_tokens=used.input_tokens)
    return used


def _listened(seconds: Any) -> Usage | None:  # noqa: ANN401 - whatever the provider sent
    """Seconds that have begun are billed, as the API's reference shows: 8.47 seconds of audio are reported as 9."""
    try:
        length = float(seconds)
    except (TypeError, ValueError):
        return None
    return Usage(0, audio_ms=ceil(length) * _MS) if 0 <= length <= _MOST_SECONDS else None
