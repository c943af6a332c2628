"""Looking at what is sent and answered: the texts of an endpoint's calls, and a project's guardrails."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from integration.gateway.call import Call
from integration.gateway.endpoints.form import Form
from integration.gateway.endpoints.meter import EVENT_STREAM
from integration.gateway.endpoints.texts import StreamedTexts, replaced
from integration.gateway.errors import InvalidCall, UpstreamBroken
from integration.gateway.guards import Guards
from integration.guarding.rules import Rule, Stage, Triggered


@dataclass(frozen=True, slots=True)
class Looked:
    """What guardrails make of a body.

    Attributes:
        triggered: Those that found something.
        blocked: The one that does not let it pass.
        raw: The body with masks in it; None when it stays as it is.
    """

    triggered: tuple[Triggered, ...] = ()
    blocked: Rule | None = None
    raw: bytes | None = None


async def look_at_call(guards: Guards, form: Form, raw: bytes, headers: Mapping[str, str]) -> Looked:
    """What guardrails make of a call. Raises InvalidCall when it says something that they cannot look at."""
    if not guards.covers(Stage.INPUT) or not form.asks_in_text:
        return Looked()
    fields = form.parse(raw, headers).fields
    found = form.sent_texts(fields)
    try:
        return await _look(
            guards, Stage.INPUT, [slot.text for slot in found], lambda texts: replaced(fields, found, texts)
        )
    except orjson.JSONEncodeError as error:
        raise InvalidCall("The JSON body of your request is nested too deeply.", code="invalid_json") from error


async def look_at_answer(guards: Guards, form: Form, raw: bytes, media_type: str, call: Call) -> Looked:
    """What guardrails make of an answer that is known as a whole, be it a stream.

    Raises UpstreamBroken when it cannot be written again.
    """
    if not guards.covers(Stage.OUTPUT) or not form.answers_in_text:
        return Looked()
    try:
        if media_type.startswith(EVENT_STREAM):
            streamed = StreamedTexts(raw, form.streamed_texts, form.repeated)
            return await _look(guards, Stage.OUTPUT, streamed.texts, streamed.replaced)
        answer = form.answer(raw, call)
        found = form.answered_texts(answer)
        return await _look(
            guards, Stage.OUTPUT, [slot.text for slot in found], lambda texts: form.written(answer, call, found, texts)
        )
    except orjson.JSONEncodeError as error:
        raise UpstreamBroken("The model provider's answer is nested too deeply.") from error


async def _look(guards: Guards, stage: Stage, texts: list[str], put: Callable[[Sequence[str]], bytes]) -> Looked:
    screened = await guards.look(texts, stage)
    changed = list(screened.texts) != texts
    return Looked(screened.triggered, screened.blocked, put(screened.texts) if changed else None)
