"""The gateway's use case: one call to a model, admitted, answered and settled."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import orjson

from integration.gateway.calls import read_address, read_call, read_key
from integration.gateway.errors import InvalidCall, ModelNotFound, UpstreamBroken, UpstreamError
from integration.gateway.flight import Flight, Hold, Outcome, answer_headers, miss
from integration.gateway.models import Answer, CachedAnswer, CacheState, CallStatus, Endpoint, Usage
from integration.gateway.ports import Admissions, Prices, Upstream, UpstreamAnswer
from integration.gateway.settling import OK, Settler
from integration.gateway.usage import StreamMeter, answered_text, read_answer, read_usage, text_of
from llmo_core.clock import Clock
from llmo_core.errors import LlmoError
from llmo_core.ids import NewId
from llmo_core.money import dollars_text


class Gateway:
    """Answers calls to models.

    Args:
        timer: Monotonic seconds, for latencies.
    """

    def __init__(
        self,
        *,
        admissions: Admissions,
        upstream: Upstream,
        settler: Settler,
        prices: Prices,
        clock: Clock,
        new_id: NewId,
        timer: Callable[[], float],
    ) -> None:
        self._admissions = admissions
        self._upstream = upstream
        self._settler = settler
        self._prices = prices
        self._clock = clock
        self._new_id = new_id
        self._timer = timer

    async def authenticate(self, headers: Mapping[str, str]) -> None:
        """Raise InvalidApiKey unless the Authorization header carries a valid key, or AddressNotAllowed."""
        await self._admissions.authenticate(read_key(headers), read_address(headers))

    async def answer(self, endpoint: Endpoint, raw: bytes, *, headers: Mapping[str, str], request_id: str) -> Answer:
        """Answer one call; see the module's errors for the refusals.

        Every admitted call is settled and announced exactly once before its answer ends, however it ends.
        """
        started = self._timer()
        key = read_key(headers)
        try:
            call = read_call(endpoint, raw, headers, self._prices.find)
        except (InvalidCall, ModelNotFound):
            # Strangers learn nothing about their mistakes.
            await self._admissions.authenticate(key, read_address(headers))
            raise
        prices = self._prices.find(call.model)
        hold = Hold(
            request_id=request_id,
            event_id=self._new_id(),
            amount_pico=prices.most(call.service_tier, call.input_tokens_bound, call.output_tokens_bound),
            input_pico=prices.tier(call.service_tier).cost(Usage(call.input_tokens_estimate)),
            price_version=prices.version,
            started_at=self._clock.now(),
        )
        admission = await self._admissions.admit(key, call, hold)
        flight = Flight(key, call, hold, admission, prices, started)
        if admission.cached is not None:
            return await self._replay(flight, admission.cached)
        return await self._forward(flight)

    async def _replay(self, flight: Flight, cached: CachedAnswer) -> Answer:
        await self._settler.replayed(flight, cached)
        headers = answer_headers(flight, CacheState.HIT, cached.model, cost_pico=0, saved_pico=cached.cost_pico)
        if not flight.call.stream:
            return _json_answer(headers, cached.body)
        meter = StreamMeter(usage_wanted=flight.call.usage_wanted)
        return _stream_answer(headers, _one_chunk(meter.feed(cached.body) + meter.rest() + _done(0)))

    async def _forward(self, flight: Flight) -> Answer:
        """Ask the provider; whatever goes wrong before its answer is handed on ends the call here."""
        try:
            upstream = await self._upstream.send(flight.call)
            if flight.call.stream:
                headers = answer_headers(flight, miss(flight), flight.call.model)
                return _stream_answer(headers, self._relay(flight, upstream))
            raw, outcome = await self._read_plain(flight, upstream)
        except UpstreamError as error:
            await self._settler.uninterrupted(self._settler.fail(flight, error))
            raise
        except BaseException:
            await self._settler.uninterrupted(self._settler.abort(flight))
            raise
        storable = raw if not outcome.usage.estimated else None
        cost = await self._settler.uninterrupted(self._settler.settle(flight, outcome, storable))
        model = outcome.model or flight.call.model
        return _json_answer(answer_headers(flight, miss(flight), model, cost_pico=cost, saved_pico=0), raw)

    async def _read_plain(self, flight: Flight, upstream: UpstreamAnswer) -> tuple[bytes, Outcome]:
        try:
            raw = await upstream.read()
        finally:
            upstream.close()
        body = read_answer(raw)
        usage = read_usage(body, produces=flight.call.endpoint is Endpoint.CHAT_COMPLETIONS)
        if usage is None:
            usage = await self._settler.estimate(flight, answered_text(body))
        model = text_of(body, "model") or flight.call.model
        return raw, Outcome(CallStatus.OK, OK, usage, model, text_of(body, "service_tier"))

    async def _relay(self, flight: Flight, upstream: UpstreamAnswer) -> AsyncIterator[bytes]:
        """Pass a stream on, and settle it when it ends: at its `[DONE]`, at a fault, or when the client leaves."""
        meter = StreamMeter(usage_wanted=flight.call.usage_wanted)
        first_byte: float | None = None
        settled = False
        try:
            async for chunk in upstream.chunks():
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
            cost = await self._settler.uninterrupted(self._settler.settle_stream(flight, meter, first_byte))
            yield _done(cost)
        except UpstreamError as error:
            settled = True
            await self._settler.uninterrupted(self._settler.settle_stream(flight, meter, first_byte, error))
            yield b"data: " + orjson.dumps(_error_body(error)) + b"\n\n"
        finally:
            upstream.close()
            if not settled:
                await self._settler.uninterrupted(self._settler.abort(flight, meter, first_byte))


def _json_answer(headers: dict[str, str], body: bytes) -> Answer:
    return Answer(OK, {**headers, "content-type": "application/json"}, body)


def _stream_answer(headers: dict[str, str], body: AsyncIterator[bytes]) -> Answer:
    return Answer(OK, {**headers, "content-type": "text/event-stream; charset=utf-8"}, body)


def _error_body(error: LlmoError) -> dict[str, Any]:
    """An error in OpenAI's shape, for the end of a stream that had begun."""
    return {"error": {"message": error.detail, "type": "server_error", "param": None, "code": error.code}}


def _done(cost_pico: int) -> bytes:
    """The end of a stream; the comment before it, which every SSE reader skips, says what the call cost."""
    return b": x-llmo-cost-usd: " + dollars_text(cost_pico).encode() + b"\n\ndata: [DONE]\n\n"


async def _one_chunk(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk
