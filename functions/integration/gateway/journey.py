"""The way of a call from target to target, until a provider answers or the route's patience ends."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

import orjson

from integration.gateway.choosing import UNKNOWN, ordered
from integration.gateway.destinations import Route
from integration.gateway.errors import UpstreamError, UpstreamMisconfigured, UpstreamRefused, UpstreamTimeout
from integration.gateway.flight import Flight
from integration.gateway.models import Ending, Patience
from integration.gateway.planning import Target
from integration.gateway.ports import TargetHealth
from llmo_core.clock import Clock

FAILURES_THAT_OPEN: Final = 5
"""So many failures of a target in a row open its circuit."""
_FIRST_PAUSE: Final = 0.2  # seconds before the same target is asked again, doubled each time
_LONGEST_PAUSE: Final = 5.0
_SERVER_ERROR: Final = 500
_TRANSIENT: Final = frozenset({408, 409, 425, 429})
_ELSEWHERE: Final = frozenset({404})  # this provider does not have the model
_TOO_LONG: Final = "context_length_exceeded"

type Ask[T] = Callable[[Flight, Patience], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Guide:
    """What journeys need of the world.

    Attributes:
        patience: For calls that are for no route.
        timer: Monotonic seconds.
        draw: Gives numbers from 0 to 1, evenly.
        pause: Waits for so many seconds.
    """

    health: TargetHealth
    patience: Patience
    clock: Clock
    timer: Callable[[], float]
    draw: Callable[[], float]
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep


class Journey:
    """One call's way.

    Attributes:
        flight: The call, with the target that it is at and how often providers were asked.
        asking: Whether a provider has the call and has neither answered nor failed.
    """

    def __init__(self, flight: Flight, guide: Guide) -> None:
        self.flight = flight
        self.asking = False
        self._guide = guide
        self._asked_at = flight.started

    async def answered[T](self, ask: Ask[T]) -> T:
        """What `ask` gives for the first target that answers. Raises the error of the last one."""
        route = self.flight.plan.route
        if route is None:
            self.flight, self.asking = replace(self.flight, attempts=1), True
            return await ask(self.flight, self._guide.patience)
        return await self._along(route, ask)

    async def _along[T](self, route: Route, ask: Ask[T]) -> T:
        waiting = self._order(route)
        deadline = self.flight.started + route.deadline
        failure: UpstreamError = UpstreamTimeout()
        failures: dict[str, UpstreamError] = {}
        while waiting and self.flight.attempts < route.attempts and self._guide.timer() < deadline:
            target = waiting.pop(0)
            before = failures.get(target.id)
            if before is not None and not await self._paused(before, len(failures), deadline):
                continue
            if not await self._passable(target, last=not waiting):
                continue
            try:
                return await self._at(target, route, deadline, ask)
            except UpstreamError as error:
                failure = failures[target.id] = error
            if not elsewhere(failure):
                break
            if again(failure):
                waiting.append(target)
        raise failure

    def _order(self, route: Route) -> list[Target]:
        flight = self.flight
        return ordered(
            route,
            flight.targets,
            flight.call,
            health=flight.admission.health,
            who=str(flight.admission.key.key_id),
            now_ms=int(self._guide.clock.now().timestamp() * 1000),
            draw=self._guide.draw,
        )

    async def _passable(self, target: Target, *, last: bool) -> bool:
        """Whether to ask a target: one whose circuit was open is asked by one call, which finds out if it works."""
        failures = self.flight.admission.health.get(target.id, UNKNOWN).failures
        if failures < FAILURES_THAT_OPEN or last:
            return True
        return await self._guide.health.may_probe(self.flight.key.org_ref, target)

    async def _at[T](self, target: Target, route: Route, deadline: float, ask: Ask[T]) -> T:
        self.flight = replace(self.flight, target=target, attempts=self.flight.attempts + 1)
        self._asked_at = self._guide.timer()
        left = deadline - self._asked_at
        self.asking = True
        self._guide.health.began(self.flight.key.org_ref, target, self.flight.hold.event_id)
        patience = Patience(min(route.first_byte, left) if self.flight.call.stream else left, route.between_chunks)
        try:
            async with asyncio.timeout(patience.first_byte):
                return await ask(self.flight, patience)
        except TimeoutError as error:
            self.asking = False
            self.ended(Ending.FAILED)
            raise UpstreamTimeout from error
        except UpstreamError as error:
            self.asking = False
            self.ended(Ending.FAILED if again(error) or isinstance(error, UpstreamMisconfigured) else Ending.OK)
            raise
        except BaseException:
            self.ended(Ending.LEFT)
            raise

    async def _paused(self, failure: UpstreamError, asked: int, deadline: float) -> bool:
        """Wait before a target is asked again, as long as it says; False when the deadline comes first."""
        longest = min(_FIRST_PAUSE * 2.0 ** (self.flight.attempts - asked), _LONGEST_PAUSE)
        wished = retry_after(failure)
        pause = wished if wished is not None else longest * (0.5 + self._guide.draw() / 2)
        if self._guide.timer() + pause >= deadline:
            return False
        await self._guide.pause(pause)
        return True

    def ended(self, ending: Ending, first_byte: float | None = None) -> None:
        """Tell how the call to the present target ended, and when its answer began (the timer's seconds)."""
        if self.flight.plan.route is None:
            return
        latency = None if first_byte is None else (first_byte - self._asked_at) * 1000
        flight = self.flight
        self._guide.health.ended(flight.key.org_ref, flight.target, flight.hold.event_id, ending, latency)


def elsewhere(error: UpstreamError) -> bool:
    """Whether another target may answer what this one did not."""
    if not isinstance(error, UpstreamRefused):
        return True
    return again(error) or error.status in _ELSEWHERE or _code(error) == _TOO_LONG


def again(error: UpstreamError) -> bool:
    """Whether the same target may answer when it is asked again."""
    if isinstance(error, UpstreamRefused):
        return error.status in _TRANSIENT or error.status >= _SERVER_ERROR
    return not isinstance(error, UpstreamMisconfigured)


def _code(error: UpstreamRefused) -> object:
    return orjson.loads(error.body)["error"].get("code") if error.body else None


def retry_after(error: UpstreamError) -> float | None:
    """Seconds that a provider wants to be left alone for."""
    headers = error.headers if isinstance(error, UpstreamRefused) else {}
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        if math.isfinite(seconds):
            return max(seconds, 0.0)
    return None
