"""Ending calls: what they used and cost is settled, journaled and announced, exactly once, however they end."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from integration.gateway.contents import Said
from integration.gateway.endpoints.form import Tokens
from integration.gateway.endpoints.meter import Meter
from integration.gateway.errors import StoreUnavailable, UpstreamError, UpstreamRefused
from integration.gateway.events import CacheState, CallStatus, UsageRecorded
from integration.gateway.flight import BLOCKED, Flight, Outcome, in_envelope, miss, refused, spared, usage_event
from integration.gateway.metering import NO_USAGE, Usage
from integration.gateway.models import CachedAnswer
from integration.gateway.ports import Announcer, Settlements
from integration.gateway.similarity import Vector

OK: Final = 200
_BAD_GATEWAY: Final = 502
_CLIENT_CLOSED_REQUEST: Final = 499  # nginx's number for it; it appears in usage events only
_MAX_CACHED_BYTES: Final = 1_000_000


class Contents(Protocol):
    """Takes what was said in calls."""

    async def announce(self, flight: Flight, event: UsageRecorded, said: Said | None) -> None:
        """Announce what was said in a call whose project wants it kept."""
        ...


class Settler:
    """Ends calls.

    Args:
        timer: Monotonic seconds, for latencies.
        observe: Told of every metered call, for the request log.

    Attributes:
        observers: All who are told.
    """

    def __init__(
        self,
        *,
        settlements: Settlements,
        announcer: Announcer,
        tokens: Tokens,
        timer: Callable[[], float],
        contents: Contents,
        observe: Callable[[UsageRecorded], None],
    ) -> None:
        self._settlements = settlements
        self._announcer = announcer
        self._contents = contents
        self._tokens = tokens
        self._timer = timer
        self.observers = [observe]
        self._running: set[asyncio.Task[Any]] = set()

    async def replayed(self, flight: Flight, cached: CachedAnswer) -> int:
        """End a call that the cache answered, and record what that saved; gives its cost in pico-dollars.

        It costs nothing but what it took to find an answered call with the same meaning, for which something is held.
        """
        outcome = Outcome(CallStatus.OK, OK, cached.usage, cached.model)
        said = Said(cached.body, cached.media_type)
        if flight.match is None:
            await self._journal(flight, self._event(flight, outcome, CacheState.HIT, saved_pico=cached.cost_pico), said)
            return 0
        embedded = await flight.embedded()
        cost = embedded.cost_pico if embedded else 0
        saved = max(cached.cost_pico - cost, 0)
        event = self._event(flight, outcome, CacheState.HIT, cost_pico=cost, embedding_pico=cost, saved_pico=saved)
        await self._end(flight, event, cost_pico=cost, tokens=0)
        self._tell(event)
        await self._contents.announce(flight, event, said)
        return cost

    async def blocked(self, flight: Flight) -> None:
        """End a call that was not made because a guardrail did not let it: it held nothing, and costs nothing."""
        await self._journal(flight, self._event(flight, BLOCKED, CacheState.OFF))

    async def _journal(self, flight: Flight, event: UsageRecorded, said: Said | None = None) -> None:
        envelope = in_envelope(flight, event)
        try:
            entry: bytes | None = await self._settlements.journal(flight.key, envelope)
        except StoreUnavailable:
            entry = None
        await self._announcer.announce(flight.key, entry, envelope)
        self._tell(event)
        await self._contents.announce(flight, event, said)

    async def settle(
        self,
        flight: Flight,
        outcome: Outcome,
        answer: bytes | None = None,
        media_type: str = "",
        *,
        partial: bytes | None = None,
    ) -> int:
        """Release the hold, charge, journal, store the answer and announce; gives the cost in pico-dollars.

        An answer whose usage is estimated is not stored. The cost includes that of embedding the call's last message,
        if that was done; the stored answer's does not.

        Args:
            flight: The call.
            outcome: How it ended.
            answer: The whole answer, where there is one that others may get as well.
            media_type: What it is.
            partial: What came of an answer that is none.
        """
        usage = outcome.usage
        price = flight.target.prices.tier(outcome.service_tier or flight.call.service_tier).cost(usage)
        embedded = await flight.embedded()
        embedding = embedded.cost_pico if embedded else 0
        cost, saved = price + embedding, spared(flight, outcome)
        event = self._event(flight, outcome, miss(flight), cost_pico=cost, embedding_pico=embedding, saved_pico=saved)
        store = None
        storable = answer is not None and len(answer) <= _MAX_CACHED_BYTES and not usage.estimated
        if answer is not None and storable and flight.call.cache_digest:
            store = CachedAnswer(answer, media_type, event.model, usage, price)
        vector = embedded.vector if embedded else None
        await self._end(flight, event, cost_pico=cost, tokens=usage.tokens, store=store, vector=vector)
        self._tell(event)
        said = answer or partial
        await self._contents.announce(flight, event, Said(said, media_type) if said else None)
        return cost

    async def _end(
        self,
        flight: Flight,
        event: UsageRecorded,
        *,
        cost_pico: int,
        tokens: int,
        store: CachedAnswer | None = None,
        vector: Vector | None = None,
    ) -> None:
        """Release the hold, charge, journal, store and announce."""
        envelope = in_envelope(flight, event)
        try:
            journaled = await self._settlements.settle(
                flight, cost_pico=cost_pico, tokens=tokens, event=envelope, store=store, vector=vector
            )
        except StoreUnavailable:
            # The sweeper will release the hold; the event must not wait for that.
            await self._announcer.announce(flight.key, None, envelope)
        else:
            for entry, announced in journaled or ():  # nothing: it was settled before, and its event is in the journal
                await self._announcer.announce(flight.key, entry, announced)
            if journaled is None and flight.hold.lives_until is not None:
                # Held for hours: Redis may have lost it meanwhile. An event that was announced before has the same id.
                await self._announcer.announce(flight.key, None, envelope)

    async def settle_stream(
        self,
        flight: Flight,
        meter: Meter,
        first_byte: float | None,
        error: UpstreamError | None = None,
        *,
        answer: bytes | None = None,
        blocked: bool = False,
    ) -> int:
        """End a stream that came to its end, or broke off.

        Args:
            flight: The call.
            meter: What watched the stream.
            first_byte: When the client got its first piece.
            error: Why it broke off.
            answer: What is stored in place of what the provider sent.
            blocked: Whether a guardrail does not let the client have it.
        """
        usage = meter.usage or await self.estimate(flight, meter.produced)
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
        if blocked:
            outcome = refused(outcome)
        received = meter.received if answer is None else answer
        if blocked:
            return await self.settle(flight, outcome)
        if failed:
            return await self.settle(flight, outcome, None, meter.media_type, partial=received)
        return await self.settle(flight, outcome, received, meter.media_type)

    async def fail(self, flight: Flight, error: UpstreamError) -> None:
        """End a call that the provider did not answer: nothing is charged."""
        status = error.status if isinstance(error, UpstreamRefused) else _BAD_GATEWAY
        await self.settle(flight, Outcome(CallStatus.ERROR, status, error_code=error.code))

    async def abort(
        self, flight: Flight, meter: Meter | None = None, first_byte: float | None = None, *, asking: bool = True
    ) -> None:
        """End a call whose client left, or that this process cannot finish.

        What came until then is charged, and nothing when no provider was being asked.
        """
        usage = (meter.usage if meter else None) if asking else NO_USAGE
        outcome = Outcome(
            status=CallStatus.ABORTED,
            http_status=_CLIENT_CLOSED_REQUEST,
            usage=usage or await self.estimate(flight, meter.produced if meter else ""),
            model=meter.model if meter else None,
            first_byte=first_byte,
        )
        if meter is None:
            await self.settle(flight, outcome)
        else:
            await self.settle(flight, outcome, None, meter.media_type, partial=meter.received)

    async def estimate(self, flight: Flight, produced: str) -> Usage:
        """The usage of a call that produced this text, found here because the provider did not report it."""
        target = flight.target
        return await flight.form.estimate(
            flight.call, target.upstream_model, target.prices.unit, produced, self._tokens
        )

    async def uninterrupted[T](self, settlement: Coroutine[Any, Any, T]) -> T:
        """Wait for a settlement that goes on to its end even when the waiting request is cancelled."""
        task = asyncio.create_task(settlement)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    def _tell(self, event: UsageRecorded) -> None:
        for observe in self.observers:
            observe(event)

    def _event(
        self,
        flight: Flight,
        outcome: Outcome,
        cache: CacheState,
        *,
        cost_pico: int = 0,
        embedding_pico: int = 0,
        saved_pico: int = 0,
    ) -> UsageRecorded:
        latency_ms = (self._timer() - flight.started) * 1000
        return usage_event(
            flight,
            outcome,
            cache,
            cost_pico=cost_pico,
            embedding_pico=embedding_pico,
            saved_pico=saved_pico,
            latency_ms=latency_ms,
        )
