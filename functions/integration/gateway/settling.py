"""Ending calls: what they used and cost is settled, journaled and announced, exactly once, however they end."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from integration.gateway.errors import StoreUnavailable, UpstreamError, UpstreamRefused
from integration.gateway.flight import Flight, Outcome, in_envelope, miss, usage_event
from integration.gateway.models import CachedAnswer, CacheState, CallStatus, Usage, UsageRecorded
from integration.gateway.ports import Announcer, Settlements, TokenCounter
from integration.gateway.usage import StreamMeter, streamed_text

OK: Final = 200
_BAD_GATEWAY: Final = 502
_CLIENT_CLOSED_REQUEST: Final = 499  # nginx's number for it; it appears in usage events only
_MAX_CACHED_BYTES: Final = 1_000_000


class Settler:
    """Ends calls.

    Args:
        timer: Monotonic seconds, for latencies.
        observe: Told of every metered call, for the request log.
    """

    def __init__(
        self,
        *,
        settlements: Settlements,
        announcer: Announcer,
        tokens: TokenCounter,
        timer: Callable[[], float],
        observe: Callable[[UsageRecorded], None],
    ) -> None:
        self._settlements = settlements
        self._announcer = announcer
        self._tokens = tokens
        self._timer = timer
        self._observe = observe
        self._running: set[asyncio.Task[Any]] = set()

    async def replayed(self, flight: Flight, cached: CachedAnswer) -> None:
        """End a call that the cache answered: it costs nothing, and what it saved is recorded."""
        outcome = Outcome(CallStatus.OK, OK, cached.usage, cached.model)
        event = self._event(flight, outcome, CacheState.HIT, saved_pico=cached.cost_pico)
        envelope = in_envelope(flight, event)
        try:
            entry: bytes | None = await self._settlements.journal(flight.key, envelope)
        except StoreUnavailable:
            entry = None
        await self._announcer.announce(flight.key, entry, envelope)
        self._observe(event)

    async def settle(self, flight: Flight, outcome: Outcome, answer: bytes | None = None) -> int:
        """Release the hold, charge, journal, store the answer and announce; gives the cost in pico-dollars."""
        usage = outcome.usage
        cost = flight.target.prices.tier(outcome.service_tier or flight.call.service_tier).cost(usage)
        event = self._event(flight, outcome, miss(flight), cost_pico=cost)
        envelope = in_envelope(flight, event)
        store = None
        if answer is not None and flight.call.cache_digest and len(answer) <= _MAX_CACHED_BYTES:
            store = CachedAnswer(answer, event.model, usage, cost)
        tokens = usage.input_tokens + usage.output_tokens
        try:
            journaled = await self._settlements.settle(
                flight, cost_pico=cost, tokens=tokens, event=envelope, store=store
            )
        except StoreUnavailable:
            # The sweeper will release the hold; the event must not wait for that.
            await self._announcer.announce(flight.key, None, envelope)
        else:
            for entry, announced in journaled or ():  # nothing: it was settled before, and its event is in the journal
                await self._announcer.announce(flight.key, entry, announced)
        self._observe(event)
        return cost

    async def settle_stream(
        self, flight: Flight, meter: StreamMeter, first_byte: float | None, error: UpstreamError | None = None
    ) -> int:
        """End a stream that came to its end, or broke off."""
        usage = meter.usage or await self.estimate(flight, streamed_text(meter.received))
        failed = error is not None or meter.failed
        outcome = Outcome(
            status=CallStatus.ERROR if failed else CallStatus.OK,
            http_status=OK,
            usage=usage,
            model=meter.model,
            service_tier=meter.service_tier,
            error_code=error.code if error else "upstream_error" if failed else None,
            first_byte=first_byte,
        )
        return await self.settle(flight, outcome, None if failed or meter.usage is None else meter.received)

    async def fail(self, flight: Flight, error: UpstreamError) -> None:
        """End a call that the provider did not answer: nothing is charged."""
        status = error.status if isinstance(error, UpstreamRefused) else _BAD_GATEWAY
        await self.settle(flight, Outcome(CallStatus.ERROR, status, error_code=error.code))

    async def abort(self, flight: Flight, meter: StreamMeter | None = None, first_byte: float | None = None) -> None:
        """End a call whose client left, or that this process cannot finish: what came until then is charged."""
        usage = meter.usage if meter else None
        text = streamed_text(meter.received) if meter else ""
        outcome = Outcome(
            status=CallStatus.ABORTED,
            http_status=_CLIENT_CLOSED_REQUEST,
            usage=usage or await self.estimate(flight, text),
            model=meter.model if meter else None,
            first_byte=first_byte,
        )
        await self.settle(flight, outcome)

    async def estimate(self, flight: Flight, text: str) -> Usage:
        """The usage of a call that produced this text, counted here because the provider did not report it."""
        model = flight.target.upstream_model
        return Usage(
            input_tokens=await self._tokens.count_input(model, flight.call.text),
            output_tokens=await self._tokens.count_text(model, text),
            estimated=True,
        )

    async def uninterrupted[T](self, settlement: Coroutine[Any, Any, T]) -> T:
        """Wait for a settlement that goes on to its end even when the waiting request is cancelled."""
        task = asyncio.create_task(settlement)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    def _event(
        self, flight: Flight, outcome: Outcome, cache: CacheState, *, cost_pico: int = 0, saved_pico: int = 0
    ) -> UsageRecorded:
        latency_ms = (self._timer() - flight.started) * 1000
        return usage_event(flight, outcome, cache, cost_pico=cost_pico, saved_pico=saved_pico, latency_ms=latency_ms)
