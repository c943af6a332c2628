"""Schedules that fire on time, and by hand."""

import asyncio
import logging
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Protocol

import orjson

from local.runtime.models import Invocation, UnknownSchedule
from local.stack import ScheduleSpec, StackSpec
from local.triggers.clock import Clock, SystemClock
from local.triggers.cron import Expression, parse

logger = logging.getLogger(__name__)


class Functions(Protocol):
    """What schedules and queues need of the runtime host."""

    async def invoke(self, function: str, payload: bytes, *, trace_id: str | None = None) -> Invocation:
        """Run a function and return its result."""
        ...


class Scheduler:
    """Invokes functions and starts state machines as the stack's schedules say.

    A time that passes while the laptop sleeps, or while the function still runs, is not made up for.

    Args:
        stack: The schedules.
        functions: Runs what is scheduled.
        clock: Tells when.
    """

    def __init__(self, stack: StackSpec, functions: Functions, *, clock: Clock | None = None) -> None:
        self._stack = stack
        self._functions = functions
        self._clock: Clock = clock or SystemClock()
        self._schedules = {spec.name: spec for spec in stack.schedules}
        began = self._clock.now()
        self._expressions: dict[str, Expression] = {
            spec.name: parse(spec.expression, start=began) for spec in stack.schedules
        }
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to fire."""
        self._tasks = [asyncio.create_task(self._follow(spec)) for spec in self._schedules.values()]

    async def stop(self) -> None:
        """Fire no more. Safe to call twice."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks = []

    def upcoming(self) -> Mapping[str, str]:
        """When each schedule fires next, RFC 3339, by name."""
        moments = {name: expression.next_after(self._clock.now()) for name, expression in self._expressions.items()}
        return {name: _rfc3339(moment) if moment else "never" for name, moment in moments.items()}

    def health(self) -> Mapping[str, object]:
        """Tell whether every schedule is being followed."""
        return {"ready": all(not task.done() for task in self._tasks), "schedules": len(self._schedules)}

    async def fire(self, name: str) -> Invocation:
        """Invoke the schedule's target now and return what came out. Raises UnknownSchedule."""
        spec = self._schedules.get(name)
        if spec is None:
            raise UnknownSchedule(name)
        return await self._functions.invoke(spec.target, self._event(spec))

    async def _follow(self, spec: ScheduleSpec) -> None:
        expression = self._expressions[spec.name]
        while (moment := expression.next_after(self._clock.now())) is not None:
            while (remaining := (moment - self._clock.now()).total_seconds()) > 0:
                await self._clock.sleep(remaining)
            invocation = await self.fire(spec.name)
            if invocation.function_error:
                logger.error("schedule %s: %s failed: %s", spec.name, spec.target, invocation.payload.decode())

    def _event(self, spec: ScheduleSpec) -> bytes:
        """The schedule's own input, else the event that EventBridge sends for a scheduled rule."""
        if spec.input is not None:
            return spec.input.encode()
        return orjson.dumps(
            {
                "version": "0",
                "id": str(uuid.uuid4()),
                "detail-type": "Scheduled Event",
                "source": "aws.events",
                "account": self._stack.account_id,
                "time": _rfc3339(self._clock.now()),
                "region": self._stack.region,
                "resources": [f"arn:aws:events:{self._stack.region}:{self._stack.account_id}:rule/{spec.name}"],
                "detail": {},
            }
        )


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
