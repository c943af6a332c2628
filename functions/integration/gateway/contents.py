"""What was said in calls, for projects that want it kept: without personal data where they want that left out."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from integration.content_log.events import ContentRecorded
from integration.gateway.content_data import leave_out_data
from integration.gateway.content_logging import ContentLogging
from integration.gateway.endpoints.texts import replaced
from integration.gateway.errors import InvalidCall, UpstreamBroken
from integration.gateway.events import CallStatus, UsageRecorded
from integration.gateway.flight import Flight
from integration.gateway.guards import Guards, Workshop
from integration.gateway.looking import look_at_answer
from integration.guarding.rules import Action, Kind, Pii, Rule, Stage
from llmo_core.ids import NewId
from llmo_core.observability import logger
from llmo_messaging.bus import EventBus, PublishFailed
from llmo_messaging.envelope import Envelope

MOST_BYTES: Final = 100_000
"""So much is kept of a request, and so much of an answer: JSON makes up to six times as much of it."""
_PATIENCE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Said:
    """What came back in a call, as far as it came."""

    answer: bytes
    media_type: str


class ContentAnnouncer:
    """Announces contents, which the content log keeps.

    A bus that does not take one loses it: what was said is not needed to know what was used.
    """

    def __init__(self, bus: Callable[[], EventBus], new_id: NewId) -> None:
        self._bus = bus
        self._new_id = new_id
        self._made: dict[tuple[Pii, ...], Guards] = {}  # there are as many as sets of kinds
        self._workshop = Workshop()

    async def announce(self, flight: Flight, event: UsageRecorded, said: Said | None) -> None:
        """Announce what was said in a call whose project wants it kept."""
        if flight.logging is None:
            return
        try:
            await self._announce(flight, flight.logging, event, said)
        except Exception:  # noqa: BLE001 - the call is paid for: nothing that is wrong with its log may end it
            logger().exception("the contents of a call are not kept", extra={"request_id": event.request_id})

    async def _announce(self, flight: Flight, logging: ContentLogging, event: UsageRecorded, said: Said | None) -> None:
        guards = self._redacting(logging)
        request = None if event.status is CallStatus.BLOCKED else await _asked(flight, guards)
        response = await _answered(flight, guards, said)
        recorded = ContentRecorded(
            call_id=flight.hold.event_id,
            **event.model_dump(include=_SHARED),
            retention_days=logging.retention_days,
            redacted=guards is not None,
            request=_cut(request),
            response=_cut(response),
            cut=[name for name, text in (("request", request), ("response", response)) if text != _cut(text)],
        )
        envelope = Envelope.of(recorded, event_id=self._new_id(), org_id=event.org_id, time=flight.hold.started_at)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._bus().publish([envelope])
        except (PublishFailed, TimeoutError) as error:
            logger().warning("the contents of a call are not kept", extra={"reason": repr(error)})

    def _redacting(self, logging: ContentLogging) -> Guards | None:
        if not logging.redact:
            return None
        made = self._made.get(logging.redact)
        if made is None:
            made = self._made[logging.redact] = _redaction(logging.redact, self._workshop)
        return made


_SHARED: Final = ContentRecorded.model_fields.keys() & UsageRecorded.model_fields.keys()


def _cut(text: str | None) -> str | None:
    """As much of a text as is kept: no event with two of them is so large that its data goes elsewhere."""
    return None if text is None else text.encode()[:MOST_BYTES].decode(errors="ignore")


def _redaction(redact: Sequence[Pii], workshop: Workshop) -> Guards:
    rule = Rule(
        name="redaction",
        stage=Stage.BOTH,
        kind=Kind.PII,
        action=Action.MASK,
        pattern=None,
        pii=tuple(redact),
        words=(),
        message="",
    )
    return Guards([rule], workshop)


async def _asked(flight: Flight, guards: Guards | None) -> str | None:
    """What went to the provider, without pictures, sounds and files; None of what cannot be looked at."""
    if guards is not None and not flight.form.asks_in_text:
        return None
    fields = orjson.loads(flight.call.text)
    leave_out_data(fields)
    try:
        if guards is None:
            return orjson.dumps(fields).decode()
        found = flight.form.sent_texts(fields)
        screened = await guards.look([slot.text for slot in found], Stage.INPUT)
        return None if screened.blocked else replaced(fields, found, screened.texts).decode()
    except (InvalidCall, orjson.JSONEncodeError):  # tokens, which nobody can look at; and what is nested too deeply
        return None


async def _answered(flight: Flight, guards: Guards | None, said: Said | None) -> str | None:
    """What came back; None of nothing, of what is not text, and of what cannot be looked at."""
    if said is None or not flight.form.answers_in_text:
        return None
    raw = said.answer
    if guards is not None:
        try:
            looked = await look_at_answer(guards, flight.form, raw, said.media_type, flight.call)
        except UpstreamBroken:
            return None
        if looked.blocked:
            return None
        raw = raw if looked.raw is None else looked.raw
    return raw.decode(errors="replace")
