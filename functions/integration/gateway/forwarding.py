"""Forwarding a call to providers, and settling it however it ends."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import orjson

from integration.gateway.errors import UpstreamBroken, UpstreamError
from integration.gateway.flight import Flight, Outcome, answer_headers, miss
from integration.gateway.journey import Guide, Journey
from integration.gateway.models import Answer, CallStatus, Ending, Endpoint, Patience
from integration.gateway.ports import Upstream, UpstreamAnswer
from integration.gateway.settling import OK, Settler
from integration.gateway.usage import StreamMeter, answered_text, read_answer, read_usage, text_of
from llmo_core.errors import LlmoError
from llmo_core.money import dollars_text


@dataclass(frozen=True, slots=True)
class _Read:
    """A whole answer, which began at this time (the timer's seconds)."""

    raw: bytes
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
            if flight.call.stream:
                opened = await journey.answered(self._open)
                headers = answer_headers(journey.flight, miss(flight), journey.flight.target.upstream_model)
                return stream_answer(headers, self._relay(journey, opened))
            read = await journey.answered(self._read)
        except UpstreamError as error:
            await self._settler.uninterrupted(self._settler.fail(journey.flight, error))
            raise
        except BaseException:
            await self._settler.uninterrupted(self._settler.abort(journey.flight))
            raise
        journey.ended(Ending.OK, read.began_at)
        storable = read.raw if not read.outcome.usage.estimated else None
        cost = await self._settler.uninterrupted(self._settler.settle(journey.flight, read.outcome, storable))
        model = read.outcome.model or journey.flight.target.upstream_model
        headers = answer_headers(journey.flight, miss(flight), model, cost_pico=cost, saved_pico=0)
        return json_answer(headers, read.raw)

    async def _read(self, flight: Flight, patience: Patience) -> _Read:
        upstream = await self._upstream.send(flight.call, flight.target, patience)
        began_at = self._timer()
        try:
            raw = await upstream.read()
        finally:
            upstream.close()
        body = read_answer(raw)
        usage = read_usage(body, produces=flight.call.endpoint is Endpoint.CHAT_COMPLETIONS)
        if usage is None:
            usage = await self._settler.estimate(flight, answered_text(body))
        model = text_of(body, "model") or flight.target.upstream_model
        return _Read(raw, Outcome(CallStatus.OK, OK, usage, model, text_of(body, "service_tier")), began_at)

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

    async def _relay(self, journey: Journey, opened: _Opened) -> AsyncIterator[bytes]:
        """Pass a stream on, and settle it when it ends: at its `[DONE]`, at a fault, or when the client leaves."""
        flight = journey.flight
        meter = StreamMeter(usage_wanted=flight.call.usage_wanted)
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
            yield done(cost)
        except UpstreamError as error:
            settled = True
            journey.ended(Ending.FAILED)
            await self._settler.uninterrupted(self._settler.settle_stream(flight, meter, first_byte, error))
            yield b"data: " + orjson.dumps(_error_body(error)) + b"\n\n"
        finally:
            opened.upstream.close()
            if not settled:
                journey.ended(Ending.LEFT)
                await self._settler.uninterrupted(self._settler.abort(flight, meter, first_byte))


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def json_answer(headers: dict[str, str], body: bytes) -> Answer:
    """A plain answer."""
    return Answer(OK, {**headers, "content-type": "application/json"}, body)


def stream_answer(headers: dict[str, str], body: AsyncIterator[bytes]) -> Answer:
    """A streamed answer."""
    return Answer(OK, {**headers, "content-type": "text/event-stream; charset=utf-8"}, body)


def _error_body(error: LlmoError) -> dict[str, Any]:
    """An error in OpenAI's shape, for the end of a stream that had begun."""
    return {"error": {"message": error.detail, "type": "server_error", "param": None, "code": error.code}}


def done(cost_pico: int) -> bytes:
    """The end of a stream; the comment before it, which every SSE reader skips, says what the call cost."""
    return b": x-llmo-cost-usd: " + dollars_text(cost_pico).encode() + b"\n\ndata: [DONE]\n\n"
