"""Forwarding a call to providers, and settling it however it ends."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Final

from integration.gateway.answer_headers import answer_headers
from integration.gateway.endpoints.meter import Meter
from integration.gateway.errors import AnswerBrokenOff, ContentBlocked, UpstreamBroken, UpstreamError
from integration.gateway.events import CallStatus
from integration.gateway.flight import Flight, Outcome, miss, refused, spared
from integration.gateway.guards import Guards
from integration.gateway.journey import Guide, Journey
from integration.gateway.looking import Looked, look_at_answer
from integration.gateway.models import Answer, Ending, Patience, one_chunk
from integration.gateway.ports import Upstream, UpstreamAnswer
from integration.gateway.settling import OK, Settler
from integration.gateway.usage import text_of

_ANSWER: Final = "the answer to this call"
_UNKNOWN: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class _Read:
    """A whole answer, which began at this time (the timer's seconds)."""

    raw: bytes
    media_type: str
    outcome: Outcome
    began_at: float


@dataclass(frozen=True, slots=True)
class _Opened:
    """A stream whose first piece came at this time."""

    upstream: UpstreamAnswer
    first: bytes
    rest: AsyncIterator[bytes]
    began_at: float


class Forwarding:
    """Asks providers.

    Args:
        timer: Monotonic seconds, for latencies.
    """

    def __init__(self, *, upstream: Upstream, settler: Settler, guide: Guide, timer: Callable[[], float]) -> None:
        self._upstream = upstream
        self._settler = settler
        self._guide = guide
        self._timer = timer

    async def forward(self, flight: Flight) -> Answer:
        """The answer of a provider, or what it raised; the call is settled and announced before the answer ends."""
        journey = Journey(flight, self._guide)
        relays = flight.form.relays(flight.call)
        try:
            if relays:
                opened = await journey.answered(self._open)
            else:
                read = await journey.answered(self._read)
        except UpstreamError as error:
            await self._settler.uninterrupted(self._settler.fail(journey.flight, error))
            raise
        except BaseException:
            await self._settler.uninterrupted(self._settler.abort(journey.flight, asking=journey.asking))
            raise
        if not relays:
            return await self._settler.uninterrupted(self._given(journey, read))
        if flight.guards and flight.guards.ending and flight.form.answers_in_text:
            return await self._held_back(journey, opened, flight.guards)
        return self._stream(journey, opened)

    async def _given(self, journey: Journey, read: _Read) -> Answer:
        """A whole answer, which is looked at and settled. Raises ContentBlocked after settling."""
        flight, outcome, raw = journey.flight, read.outcome, read.raw
        journey.ended(Ending.OK, read.began_at)
        try:
            looked = await self._looked(flight, raw, read.media_type)
        except UpstreamError as error:
            await self._settler.fail(flight, error)
            raise
        if looked.triggered:
            flight = replace(flight, triggered=flight.triggered + looked.triggered)
        if looked.blocked:
            await self._settler.settle(flight, refused(outcome))
            raise ContentBlocked(looked.blocked, what=_ANSWER, triggered=flight.triggered)
        raw = raw if looked.raw is None else looked.raw
        cost = await self._settler.settle(flight, outcome, raw, read.media_type)
        model = outcome.model or flight.target.upstream_model
        headers = answer_headers(flight, miss(flight), model, cost_pico=cost, saved_pico=spared(flight, outcome))
        return whole_answer(headers, raw, read.media_type)

    async def _held_back(self, journey: Journey, opened: _Opened, guards: Guards) -> Answer:
        """A stream of which nothing leaves before guardrails have looked at all of it.

        Raises ContentBlocked after settling, and what the provider's stream raises.
        """
        flight = journey.flight
        meter = self._meter(flight, opened)
        settled = False
        try:
            async for chunk in _all(opened.first, opened.rest):
                meter.feed(chunk)
                if meter.finished:
                    break
            meter.rest()
            if not meter.finished:
                raise UpstreamBroken("The model provider ended its stream early.")
            looked = await look_at_answer(guards, flight.form, meter.received, meter.media_type, flight.call)
            settled = True
            journey.ended(Ending.OK, opened.began_at)
            flight = replace(flight, triggered=flight.triggered + looked.triggered)
            body = meter.received if looked.raw is None else looked.raw
            settling = self._settler.settle_stream(
                flight, meter, self._timer(), answer=body, blocked=looked.blocked is not None
            )
            cost = await self._settler.uninterrupted(settling)
        except UpstreamError as error:
            settled = True
            journey.ended(Ending.FAILED)
            await self._settler.uninterrupted(self._settler.settle_stream(flight, meter, None, error))
            raise
        finally:
            opened.upstream.close()
            if not settled:
                journey.ended(Ending.LEFT)
                await self._settler.uninterrupted(self._settler.abort(flight, meter))
        if looked.blocked:
            raise ContentBlocked(looked.blocked, what=_ANSWER, triggered=flight.triggered)
        again = self._meter(flight, opened)
        events = again.feed(body) + again.rest() + again.closing(cost)
        headers = answer_headers(flight, miss(flight), flight.target.upstream_model)
        return stream_answer(headers, one_chunk(events), again)

    async def _looked(self, flight: Flight, raw: bytes, media_type: str) -> Looked:
        if flight.guards is None:
            return Looked()
        return await look_at_answer(flight.guards, flight.form, raw, media_type, flight.call)

    def _meter(self, flight: Flight, opened: _Opened) -> Meter:
        media_type = opened.upstream.headers.get("content-type") or _UNKNOWN
        return flight.form.meter(flight.call, flight.target.prices.unit, media_type)

    def _stream(self, journey: Journey, opened: _Opened) -> Answer:
        """The answer to a call that is passed on as it comes."""
        flight = journey.flight
        meter = self._meter(flight, opened)
        headers = answer_headers(flight, miss(flight), flight.target.upstream_model)
        return stream_answer(headers, self._relay(journey, opened, meter), meter)

    async def _read(self, flight: Flight, patience: Patience) -> _Read:
        upstream = await self._upstream.send(flight.call, flight.target, patience)
        began_at = self._timer()
        try:
            raw = await upstream.read()
        finally:
            upstream.close()
        form = flight.form
        body = form.answer(raw, flight.call)
        usage = form.usage(body, flight.call, flight.target.prices.unit)
        if usage is None:
            usage = await self._settler.estimate(flight, form.produced(body))
        model = text_of(body, "model") or flight.target.upstream_model
        outcome = Outcome(CallStatus.OK, OK, usage, model, text_of(body, "service_tier"))
        media_type = form.media_type(upstream.headers.get("content-type") or _UNKNOWN, flight.call)
        return _Read(raw, media_type, outcome, began_at)

    async def _open(self, flight: Flight, patience: Patience) -> _Opened:
        """A stream whose first piece has come: until then another target can be asked."""
        upstream = await self._upstream.send(flight.call, flight.target, patience)
        try:
            pieces = upstream.chunks()
            first = await anext(pieces)
        except StopAsyncIteration as error:
            upstream.close()
            raise UpstreamBroken("The model provider's stream was empty.") from error
        except BaseException:
            upstream.close()
            raise
        return _Opened(upstream, first, pieces, began_at=self._timer())

    async def _relay(self, journey: Journey, opened: _Opened, meter: Meter) -> AsyncIterator[bytes]:
        """Pass a stream on, and settle it when it ends: at its last event, at a fault, or when the client leaves.

        Raises AnswerBrokenOff after a fault that the answer itself cannot tell of.
        """
        flight = journey.flight
        first_byte: float | None = None
        settled = False
        try:
            async for chunk in _all(opened.first, opened.rest):
                passed = meter.feed(chunk)
                if passed:
                    first_byte = first_byte or self._timer()
                    yield passed
                if meter.finished:
                    break
            if rest := meter.rest():
                yield rest
            if not meter.finished:
                raise UpstreamBroken("The model provider ended its stream early.")
            looked = await self._looked(flight, meter.received, meter.media_type)
            flight = replace(flight, triggered=flight.triggered + looked.triggered)
            settled = True
            journey.ended(Ending.OK, opened.began_at)
            cost = await self._settler.uninterrupted(self._settler.settle_stream(flight, meter, first_byte))
            if closing := meter.closing(cost):
                yield closing
        except UpstreamError as error:
            settled = True
            journey.ended(Ending.FAILED)
            await self._settler.uninterrupted(self._settler.settle_stream(flight, meter, first_byte, error))
            told = meter.broken(error)
            if not told:
                raise AnswerBrokenOff from error
            yield told
        finally:
            opened.upstream.close()
            if not settled:
                journey.ended(Ending.LEFT)
                await self._settler.uninterrupted(self._settler.abort(flight, meter, first_byte))


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def whole_answer(headers: dict[str, str], body: bytes, media_type: str) -> Answer:
    """An answer that is known as a whole."""
    return Answer(OK, {**headers, "content-type": media_type}, body)


def stream_answer(headers: dict[str, str], body: AsyncIterator[bytes], meter: Meter) -> Answer:
    """An answer that is passed on as it comes."""
    return Answer(OK, {**headers, "content-type": meter.media_type}, body, lambda: meter.whole)
