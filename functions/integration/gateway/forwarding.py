"""Forwarding a call to providers, and settling it however it ends."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from integration.gateway.endpoints.meter import Meter
from integration.gateway.errors import AnswerBrokenOff, UpstreamBroken, UpstreamError
from integration.gateway.events import CallStatus
from integration.gateway.flight import Flight, Outcome, answer_headers, miss
from integration.gateway.journey import Guide, Journey
from integration.gateway.models import Answer, Ending, Patience
from integration.gateway.ports import Upstream, UpstreamAnswer
from integration.gateway.settling import OK, Settler, spared
from integration.gateway.usage import text_of

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
        try:
            if flight.form.relays(flight.call):
                return self._stream(journey, await journey.answered(self._open))
            read = await journey.answered(self._read)
        except UpstreamError as error:
            await self._settler.uninterrupted(self._settler.fail(journey.flight, error))
            raise
        except BaseException:
            await self._settler.uninterrupted(self._settler.abort(journey.flight, asking=journey.asking))
            raise
        journey.ended(Ending.OK, read.began_at)
        cost = await self._settler.uninterrupted(
            self._settler.settle(journey.flight, read.outcome, read.raw, read.media_type)
        )
        model = read.outcome.model or journey.flight.target.upstream_model
        headers = answer_headers(
            journey.flight, miss(flight), model, cost_pico=cost, saved_pico=spared(journey.flight, read.outcome)
        )
        return whole_answer(headers, read.raw, read.media_type)

    def _stream(self, journey: Journey, opened: _Opened) -> Answer:
        """The answer to a call that is passed on as it comes."""
        flight = journey.flight
        media_type = opened.upstream.headers.get("content-type") or _UNKNOWN
        meter = flight.form.meter(flight.call, flight.target.prices.unit, media_type)
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
