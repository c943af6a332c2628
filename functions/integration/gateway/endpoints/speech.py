"""Reading texts aloud: https://platform.openai.com/docs/api-reference/audio/createSpeech."""

from typing import Final, override

from integration.gateway.call import Call, Endpoint
from integration.gateway.endpoints import request as body
from integration.gateway.endpoints.event_meter import EventMeter
from integration.gateway.endpoints.form import CHARACTERS_PER_TOKEN, Form, Reading, Tokens
from integration.gateway.endpoints.meter import EVENT_STREAM, Meter
from integration.gateway.endpoints.places import Slot, paths, texts_at
from integration.gateway.endpoints.request import Request
from integration.gateway.endpoints.whole_meter import WholeMeter
from integration.gateway.errors import InvalidCall
from integration.gateway.metering import Size, Unit, Usage
from integration.gateway.planning import Plan
from integration.gateway.usage import RESPONSES, Json, read_usage

_LAST_EVENTS: Final = {"speech.audio.done": False}
# At the published 0.015 dollars per minute and 12 dollars per million tokens a minute has 1,250 tokens:
# https://platform.openai.com/docs/pricing. Speech has about 900 characters a minute (150 words of six).
_AUDIO_TOKENS_PER_MINUTE: Final = 1_250
_CHARACTERS_PER_MINUTE: Final = 900


class Speech(Form):
    """`POST /v1/audio/speech`."""

    endpoint = Endpoint.AUDIO_SPEECH
    asks_in_text = True
    units = frozenset((Unit.CHARACTERS, Unit.TOKENS))
    always_relays = True

    def check(self, fields: Json) -> None:
        """Raise InvalidCall unless there is a text."""
        body.required_text(fields, "input")
        if body.text(fields, "stream_format") not in {None, "audio", "sse"}:
            raise InvalidCall("'stream_format' must be 'audio' or 'sse'.", param="stream_format")

    @override
    def sent_texts(self, fields: Json) -> list[Slot]:
        """What is read aloud, and how."""
        return [*texts_at(fields, paths("input", "instructions"))]

    def read(self, request: Request, plan: Plan) -> Reading:
        """What the call asks for."""
        characters = len(request.fields["input"])
        size = len(request.raw)
        spoken = min(_spoken_tokens(characters), plan.max_output_tokens)
        return Reading(
            sent=request,
            likely=Size(size // CHARACTERS_PER_TOKEN, spoken, characters),
            most=Size(size, plan.max_output_tokens, characters),
            stream=request.fields.get("stream_format") == "sse",
        )

    def meter(self, call: Call, unit: Unit, media_type: str) -> Meter:
        """What watches the sound, or the events that carry it."""
        if media_type.startswith(EVENT_STREAM):
            return EventMeter(_LAST_EVENTS, report=lambda event: _used(event, call, unit))
        return WholeMeter(media_type, report=lambda _: _used({}, call, unit), text=lambda _: "")

    def usage(self, answer: Json, call: Call, unit: Unit) -> Usage | None:
        """The characters of the text, or the tokens that the last event reports; sound reports none."""
        return _used(answer, call, unit)

    async def estimate(self, call: Call, model: str, unit: Unit, _produced: str, tokens: Tokens) -> Usage:
        """The usage of a call whose provider did not report it: that of its whole text, whatever of it came."""
        if unit is Unit.CHARACTERS:
            return Usage(0, characters=call.most.characters)
        spoken = min(_spoken_tokens(call.most.characters), call.most.output_tokens)
        given = await tokens.count_input(model, call.text)
        return Usage(given, 0, spoken, audio_output_tokens=spoken, estimated=True)


def _used(event: Json, call: Call, unit: Unit) -> Usage | None:
    if unit is Unit.CHARACTERS:
        return Usage(0, characters=call.most.characters)
    return read_usage(event.get("usage"), RESPONSES)


def _spoken_tokens(characters: int) -> int:
    """The likely tokens of a text that is read aloud."""
    return -(-characters * _AUDIO_TOKENS_PER_MINUTE // _CHARACTERS_PER_MINUTE)
