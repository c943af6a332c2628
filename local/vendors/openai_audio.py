"""The fake upstream's speech and transcriptions: https://platform.openai.com/docs/api-reference/audio.

Sound is noise of the right length, and what is heard in a file depends on nothing but its bytes.
"""

import asyncio
import base64
import hashlib
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader

from local.vendors.openai_answers import BadRequest, Json, check_model, count_tokens, prose
from local.vendors.openai_faults import Faults, parse_faults
from local.vendors.openai_serving import Stream, answer, answer_headers, events, faulty, read_json, stream

SPEECH_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
TRANSCRIPTION_MODELS = ("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe")
BYTES_PER_SECOND = 16_000
"""Of sound, given and taken: an MP3 of 128 kilobits a second."""

_MEDIA_TYPES = {"mp3": "audio/mpeg", "opus": "audio/ogg", "aac": "audio/aac", "flac": "audio/flac", "wav": "audio/wav"}
_CHARACTERS_PER_SECOND = 15
_SPOKEN_TOKENS_PER_SECOND = 21
_HEARD_TOKENS_PER_SECOND = 10
_PIECES = 8
_BY_TIME = "whisper-1"


async def speech(request: web.Request) -> web.StreamResponse:
    """`POST /v1/audio/speech`."""
    body = await read_json(request)
    check_model(body, SPEECH_MODELS)
    if not body.get("input") or not body.get("voice"):
        raise BadRequest("Missing required parameter.", "input", "missing_required_parameter")
    faults = parse_faults(body["input"])
    seconds = math.ceil(len(body["input"]) / _CHARACTERS_PER_SECOND)
    sound = random.Random(f"{body['model']}{body['input']}").randbytes(seconds * BYTES_PER_SECOND)  # noqa: S311 - noise
    size = math.ceil(len(sound) / _PIECES)
    pieces = [sound[start : start + size] for start in range(0, len(sound), size)]
    if body.get("stream_format") == "sse":
        return await stream(request, events(_speech_events(body, pieces, seconds, faults)), faults)
    media_type = _MEDIA_TYPES.get(body.get("response_format") or "mp3", "audio/pcm")
    return await stream(request, Stream(pieces, b"", {"Content-Type": media_type}), faults)


def _speech_events(body: Json, pieces: list[bytes], seconds: int, faults: Faults) -> Iterator[Json]:
    for piece in pieces:
        yield {"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()}
    given, spoken = count_tokens(body["input"]), seconds * _SPOKEN_TOKENS_PER_SECOND
    usage = {"input_tokens": given, "output_tokens": spoken, "total_tokens": given + spoken}
    yield {"type": "speech.audio.done"} | ({} if faults.no_usage else {"usage": usage})


@dataclass(frozen=True, slots=True)
class _Transcript:
    model: str
    seconds: float
    words: tuple[str, ...]
    told: bool

    @property
    def text(self) -> str:
        return "".join(self.words)

    @property
    def usage(self) -> Json:
        """The usage object, as a member of an answer."""
        if not self.told:
            return {}
        if self.model == _BY_TIME:
            return {"usage": {"type": "duration", "seconds": math.ceil(self.seconds)}}
        heard, written = math.ceil(self.seconds * _HEARD_TOKENS_PER_SECOND), len(self.words)
        details = {"audio_tokens": heard, "text_tokens": 0}
        tokens = {"input_tokens": heard, "input_token_details": details, "output_tokens": written}
        return {"usage": {"type": "tokens", **tokens, "total_tokens": heard + written}}

    def body(self) -> Json:
        """The plain answer."""
        return {"text": self.text, **self.usage}

    def verbose(self) -> Json:
        """The answer in detail."""
        segment = {"id": 0, "seek": 0, "start": 0.0, "end": self.seconds, "text": self.text, "tokens": []}
        quality = {"temperature": 0.0, "avg_logprob": -0.1, "compression_ratio": 1.0, "no_speech_prob": 0.0}
        told = {"task": "transcribe", "language": "english", "duration": self.seconds}
        return told | {"text": self.text, "segments": [segment | quality], **self.usage}

    def subtitles(self, mark: str, head: str) -> str:
        """The answer as subtitles."""
        whole, part = divmod(self.seconds, 1)
        end = f"{int(whole) // 3600:02}:{int(whole) // 60 % 60:02}:{int(whole) % 60:02}{mark}{int(part * 1000):03}"
        return f"{head}00:00:00{mark}000 --> {end}\n{self.text}\n\n"

    def events(self) -> Iterator[Json]:
        """The answer word by word."""
        for word in self.words:
            yield {"type": "transcript.text.delta", "delta": word}
        yield {"type": "transcript.text.done", "text": self.text, **self.usage}


async def transcriptions(request: web.Request) -> web.StreamResponse:
    """`POST /v1/audio/transcriptions` and `/v1/audio/translations`; the prompt may ask for faults."""
    fields, content = await read_form(request)
    model = fields.get("model", "")
    check_model({"model": model}, TRANSCRIPTION_MODELS)
    if not content:
        raise BadRequest("Missing required parameter: 'file'.", "file", "missing_required_parameter")
    faults = parse_faults(fields.get("prompt", ""))
    words = prose(hashlib.sha256(content).hexdigest(), faults.chunks or 12)
    transcript = _Transcript(model, len(content) / BYTES_PER_SECOND, words, not faults.no_usage)
    if fields.get("stream") == "true" and model != _BY_TIME:
        return await stream(request, events(transcript.events()), faults)
    return await faulty(faults, request) or _written(transcript, fields.get("response_format", "json"))


async def read_form(request: web.Request) -> tuple[dict[str, str], bytes]:
    """The fields of a form, and its file; the body was read before."""
    body = StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**20)
    body.feed_data(await request.read())
    body.feed_eof()
    fields, content = {}, b""
    async for part in MultipartReader(request.headers, body):
        if not isinstance(part, BodyPartReader):
            continue
        if part.filename is None:
            fields[part.name or ""] = await part.text()
        else:
            content = bytes(await part.read())
    return fields, content


def _written(transcript: _Transcript, how: str) -> web.Response:
    match how:
        case "text":
            return _text(transcript.text + "\n", "text/plain")
        case "srt":
            return _text(transcript.subtitles(",", "1\n"), "text/plain")
        case "vtt":
            return _text(transcript.subtitles(".", "WEBVTT\n\n"), "text/vtt")
        case "verbose_json":
            return answer(transcript.verbose())
    return answer(transcript.body())


def _text(text: str, media_type: str) -> web.Response:
    return web.Response(text=text, content_type=media_type, headers=answer_headers())
