"""The gateway's use case: one call to a model, admitted, answered, settled and announced."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any, Final

import orjson

from integration.gateway.calls import read_call
from integration.gateway.errors import (
    InvalidApiKey,
    InvalidCall,
    ModelNotFound,
    StoreUnavailable,
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
)
from integration.gateway.flight import Flight, Hold, Outcome, answer_headers, in_envelope, miss, usage_event
from integration.gateway.models import Answer, CachedAnswer, CacheState, CallStatus, Endpoint, Usage, UsageRecorded
from integration.gateway.ports import Admissions, Announcer, Prices, Settlements, TokenCounter, Upstream, UpstreamAnswer
from integration.gateway.usage import StreamMeter, answered_text, read_usage, streamed_text, text_of
from llmo_auth import api_key
from llmo_auth.api_key import ApiKey
from llmo_core.clock import Clock
from llmo_core.errors import LlmoError
from llmo_core.ids import NewId
from llmo_core.money import dollars_text
from llmo_messaging.envelope import Envelope

_OK: Final = 200
_BAD_GATEWAY: Final = 502
_CLIENT_CLOSED_REQUEST: Final = 499  # nginx's number for it; it appears in usage events only
_MAX_CACHED_BYTES: Final = 1_000_000


class Gateway:
    """Answers calls to models.

    Args:
        timer: Monotonic seconds, for latencies.
        observe: Told of every metered call, for the request log.
    """

    def __init__(
        self,
        *,
        admissions: Admissions,
        settlements: Settlements,
        upstream: Upstream,
        announcer: Announcer,
        prices: Prices,
        tokens: TokenCounter,
        clock: Clock,
        new_id: NewId,
        timer: Callable[[], float],
        observe: Callable[[UsageRecorded], None],
    ) -> None:
        self._admissions = admissions
        self._settlements = settlements
        self._upstream = upstream
        self._announcer = announcer
        self._prices = prices
        self._tokens = tokens
        self._clock = clock
        self._new_id = new_id
        self._timer = timer
        self._observe = observe
        self._settling: set[asyncio.Task[Any]] = set()

    async def authenticate(self, authorization: str) -> None:
        """Raise InvalidApiKey unless the Authorization header carries a valid key."""
        await self._admissions.authenticate(_key(authorization))

    async def answer(
        self, endpoint: Endpoint, raw: bytes, *, authorization: str, headers: Mapping[str, str], request_id: str
    ) -> Answer:
        """Answer one call; see the module's errors for the refusals.

        Every admitted call is settled and announced exactly once before its answer ends, however it ends.
        """
        started = self._timer()
        key = _key(authorization)
        try:
            call = read_call(endpoint, raw, headers, self._prices.find)
        except (InvalidCall, ModelNotFound):
            await self._admissions.authenticate(key)  # strangers learn nothing about their mistakes
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
        """Answer from the cache: it costs nothing, and what it saved is recorded."""
        outcome = Outcome(CallStatus.OK, _OK, cached.usage, cached.model)
        event = self._event(flight, outcome, CacheState.HIT, saved_pico=cached.cost_pico)
        try:
            entry: bytes | None = await self._settlements.journal(flight.key, event)
        except StoreUnavailable:
            entry = None
        await self._announcer.announce(flight.key, entry, event)
        headers = answer_headers(flight, CacheState.HIT, cached.model, cost_pico=0, saved_pico=cached.cost_pico)
        if not flight.call.stream:
            return Answer(_OK, {**headers, "content-type": "application/json"}, cached.body)
        meter = StreamMeter(usage_wanted=flight.call.usage_wanted)
        return Answer(
            _OK, {**headers, "content-type": "text/event-stream"}, _one_chunk(meter.feed(cached.body) + _done(0))
        )

    async def _forward(self, flight: Flight) -> Answer:
        try:
            upstream = await self._upstream.send(flight.call)
        except UpstreamError as error:
            await self._fail(flight, error)
            raise
        except asyncio.CancelledError:
            await self._uninterrupted(self._abort(flight))
            raise
        if flight.call.stream:
            headers = answer_headers(flight, miss(flight), flight.call.model)
            return Answer(
                _OK, {**headers, "content-type": "text/event-stream; charset=utf-8"}, self._relay(flight, upstream)
            )
        return await self._finish_plain(flight, upstream)

    async def _finish_plain(self, flight: Flight, upstream: UpstreamAnswer) -> Answer:
        try:
            raw = await upstream.read()
            body = _object(raw)
        except UpstreamError as error:
            await self._fail(flight, error)
            raise
        finally:
            upstream.close()
        usage = read_usage(body)
        store = usage is not None
        if usage is None:
            usage = await self._estimate(flight, answered_text(body))
        model = text_of(body, "model") or flight.call.model
        outcome = Outcome(CallStatus.OK, _OK, usage, model, text_of(body, "service_tier"))
        cost = await self._settle(flight, outcome, raw if store else None)
        headers = answer_headers(flight, miss(flight), model, cost_pico=cost, saved_pico=0)
        return Answer(_OK, {**headers, "content-type": "application/json"}, raw)

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
            if not meter.finished:
                raise UpstreamBroken("The model provider ended its stream early.")
            settled = True
            cost = await self._uninterrupted(self._settle_stream(flight, meter, first_byte))
            yield _done(cost)
        except UpstreamError as error:
            settled = True
            await self._uninterrupted(self._settle_stream(flight, meter, first_byte, error=error))
            yield b"data: " + orjson.dumps(error_body(error)) + b"\n\n"
        finally:
            upstream.close()
            if not settled:
                await self._uninterrupted(self._settle_stream(flight, meter, first_byte, aborted=True))

    async def _uninterrupted[T](self, settlement: Coroutine[Any, Any, T]) -> T:
        """Wait for a settlement that goes on to its end even when the waiting request is cancelled."""
        task = asyncio.create_task(settlement)
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        return await asyncio.shield(task)

    async def _settle_stream(
        self,
        flight: Flight,
        meter: StreamMeter,
        first_byte: float | None,
        *,
        error: LlmoError | None = None,
        aborted: bool = False,
    ) -> int:
        complete = error is None and not aborted
        usage = meter.usage or await self._estimate(flight, streamed_text(meter.received))
        outcome = Outcome(
            status=CallStatus.OK if complete else CallStatus.ABORTED if aborted else CallStatus.ERROR,
            http_status=_CLIENT_CLOSED_REQUEST if aborted else _OK,
            usage=usage,
            model=meter.model,
            service_tier=meter.service_tier,
            error_code=error.code if error else None,
            first_byte=first_byte,
        )
        return await self._settle(flight, outcome, meter.received if complete and meter.usage else None)

    async def _fail(self, flight: Flight, error: LlmoError) -> None:
        """End a call that the provider did not answer: nothing is charged."""
        status = error.status if isinstance(error, UpstreamRefused) else _BAD_GATEWAY
        await self._settle(flight, Outcome(CallStatus.ERROR, status, error_code=error.code), None)

    async def _abort(self, flight: Flight) -> None:
        """End a call whose client left before the first byte: the provider has seen the input."""
        usage = await self._estimate(flight, "")
        await self._settle(flight, Outcome(CallStatus.ABORTED, _CLIENT_CLOSED_REQUEST, usage), None)

    async def _estimate(self, flight: Flight, text: str) -> Usage:
        model = flight.call.model
        return Usage(
            input_tokens=await self._tokens.count_input(model, flight.call.text),
            output_tokens=await self._tokens.count_text(model, text),
            estimated=True,
        )

    async def _settle(self, flight: Flight, outcome: Outcome, answer: bytes | None) -> int:
        """Release the hold, charge, journal, store and announce; gives the cost in pico-dollars."""
        usage = outcome.usage
        cost = flight.prices.tier(outcome.service_tier or flight.call.service_tier).cost(usage)
        event = self._event(flight, outcome, miss(flight), cost_pico=cost)
        storable = answer is not None and flight.call.cache_digest and len(answer) <= _MAX_CACHED_BYTES
        store = CachedAnswer(answer, outcome.model or flight.call.model, usage, cost) if answer and storable else None
        tokens = usage.input_tokens + usage.output_tokens
        try:
            entry = await self._settlements.settle(flight, cost_pico=cost, tokens=tokens, event=event, store=store)
        except StoreUnavailable:
            # The sweeper will release the hold; the event must not wait for that.
            await self._announcer.announce(flight.key, None, event)
        else:
            if entry is not None:  # else the sweeper was faster and has recorded the call
                await self._announcer.announce(flight.key, entry, event)
        return cost

    def _event(
        self, flight: Flight, outcome: Outcome, cache: CacheState, *, cost_pico: int = 0, saved_pico: int = 0
    ) -> Envelope:
        latency_ms = (self._timer() - flight.started) * 1000
        event = usage_event(flight, outcome, cache, cost_pico=cost_pico, saved_pico=saved_pico, latency_ms=latency_ms)
        self._observe(event)
        return in_envelope(flight, event)


def error_body(error: LlmoError) -> dict[str, Any]:
    """An error in OpenAI's shape, for the end of a stream that had begun."""
    return {"error": {"message": error.detail, "type": "server_error", "param": None, "code": error.code}}


def _key(authorization: str) -> ApiKey:
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "bearer" or not text:
        raise InvalidApiKey("You didn't provide an API key. Send it as `Authorization: Bearer YOUR_KEY`.")
    key = api_key.parse(text.strip())
    if key is None:
        raise InvalidApiKey
    return key


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise UpstreamBroken("The model provider's answer is not JSON.") from error
    if not isinstance(body, dict):
        raise UpstreamBroken("The model provider's answer is not a JSON object.")
    return body


def _done(cost_pico: int) -> bytes:
    """The end of a stream; the comment before it, which every SSE reader skips, says what the call cost."""
    return b": x-llmo-cost-usd: " + dollars_text(cost_pico).encode() + b"\n\ndata: [DONE]\n\n"


async def _one_chunk(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk
