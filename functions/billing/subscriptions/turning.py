"""Writing down and announcing what dates have brought to subscriptions."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from billing.subscriptions.dates import as_of
from billing.subscriptions.keeping import Keeping
from billing.subscriptions.ports import Turning, Turns
from llmo_core.clock import Clock
from llmo_core.observability import logger

_AT_ONCE: Final = 100


class TurningService:
    """Turns subscriptions: nothing depends on when, because whoever looks at one sees what has come true already."""

    def __init__(self, *, turns: Turns, keeping: Keeping, clock: Clock) -> None:
        self._turns = turns
        self._keeping = keeping
        self._clock = clock

    async def turn(self, time_left: Callable[[], timedelta]) -> int:
        """Write down what has come, of all organizations, until the time is up; how many subscriptions were turned.

        Each is a transaction of its own organization. Safe to repeat and to run twice at once: what another run, or
        somebody who changes it, has under way is left to them. Raises DatabaseUnavailable.
        """
        turned, left = 0, set[UUID]()
        while time_left() > timedelta():
            now = self._clock.now()
            due = await self._turns.due(now=now, besides=left, limit=_AT_ONCE)
            if not due:
                break
            for each in due:
                if time_left() <= timedelta():
                    break
                if await self._turned(each, now):
                    turned += 1
                else:
                    left.add(each.subscription_id)
        return turned

    async def _turned(self, turning: Turning, now: datetime) -> bool:
        try:
            async with self._turns.free(turning) as kept:
                if kept is None:
                    return False
                brought = as_of(kept, now)
                if not brought.events:
                    return False
                await self._keeping.keep(kept, brought)
        except Exception:  # noqa: BLE001 - one subscription must not keep the others waiting
            waiting = {"subscription_id": str(turning.subscription_id)}
            logger().exception("a subscription waits for the next run", extra=waiting)
            return False
        return True
