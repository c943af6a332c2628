"""Going through the lines of a batch: making their calls, or handing them over to their providers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from integration.gateway.deferral.batches import Transactions
from integration.gateway.deferral.calling import Calling, Later
from integration.gateway.deferral.gathering import all_of
from integration.gateway.deferral.holding import Held
from integration.gateway.deferral.models import Batch, Line, Outcome, Status
from integration.gateway.deferral.outcomes import refused
from integration.gateway.deferral.ports import Batches, Waiting
from integration.gateway.deferral.providing import Providing
from integration.gateway.deferral.weights import in_groups
from integration.gateway.errors import InvalidApiKey
from llmo_auth.api_key import ApiKey
from llmo_core.clock import Clock

_AT_ONCE: Final = 8
_REFUSED_TOGETHER: Final = 500
LOOKS_AGAIN: Final = timedelta(minutes=1)


@dataclass(slots=True)
class _Pass:
    """What came of going through the lines that wait.

    Attributes:
        lines: How many there were.
        held: Those that go into batches of their providers.
        pause: When to go on.
        interrupted: Whether the batch is being cancelled.
    """

    lines: int = 0
    held: list[Held] = field(default_factory=list)
    pause: datetime | None = None
    interrupted: bool = False


class Rounds:
    """Goes through the lines of a batch.

    Args:
        timer: Monotonic seconds.
    """

    def __init__(
        self,
        *,
        batches: Batches,
        lines: Waiting,
        transactions: Transactions,
        calling: Calling,
        providing: Providing,
        clock: Clock,
        timer: Callable[[], float],
    ) -> None:
        self._batches = batches
        self._lines = lines
        self._transactions = transactions
        self._calling = calling
        self._providing = providing
        self._clock = clock
        self._timer = timer

    async def go(self, batch: Batch, key: ApiKey | None, deadline: float) -> datetime | None:
        """Make the calls that can be made until a deadline (the timer's); when to go on, None for at once."""
        if key is None:
            lines = await self._lines.undecided(batch, after=0, limit=_REFUSED_TOGETHER)
            await self._lines.decide(batch, [(line, refused(line, InvalidApiKey())) for line in lines])
            return None if lines else await self._rest(batch)
        await self._providing.poll(batch, key, deadline)
        passed = await self._pass(batch, key, deadline)
        if passed.interrupted:
            return None
        if passed.held:
            await self._providing.submit(batch, key, passed.held)
        if passed.pause is not None:
            return min(passed.pause, self._clock.now() + LOOKS_AGAIN, batch.expires_at)
        if self._timer() >= deadline:
            return self._clock.now()
        return None if passed.lines else await self._rest(batch)

    async def _pass(self, batch: Batch, key: ApiKey, deadline: float) -> _Pass:
        """Go through the lines that wait once, until one says that the others had better wait too."""
        passed, after = _Pass(), 0
        while passed.pause is None and self._timer() < deadline:
            lines = await self._lines.waiting(batch, after=after, now=self._clock.now(), limit=_AT_ONCE)
            if not lines:
                break
            ended = [
                each for some in in_groups(lines) for each in await all_of(self._one(batch, line, key) for line in some)
            ]
            passed.lines += len(lines)
            passed.held += [each for each in ended if isinstance(each, Held)]
            pauses = [each.at for each in ended if isinstance(each, Later) and each.pauses]
            passed.pause = max(pauses, default=None)
            after = lines[-1].position
            found = await self._batches.find(batch.org_id, batch.id)
            passed.interrupted = found is None or found.status is not Status.IN_PROGRESS
            if passed.interrupted:
                break
        return passed

    async def _one(self, batch: Batch, line: Line, key: ApiKey) -> Held | Later | None:
        outcome = await self._calling.call(batch, line, key)
        if isinstance(outcome, Later):
            await self._lines.postpone(batch, line, at=outcome.at, tries=outcome.tries, cost_pico=outcome.cost_pico)
        elif isinstance(outcome, Outcome):
            await self._lines.decide(batch, [(line, outcome)])
            return None
        return outcome

    async def _rest(self, batch: Batch) -> datetime | None:
        """When there may be more to do for the lines that wait; a batch without any is written up."""
        left, earliest = await self._lines.left(batch)
        if left:
            again = self._clock.now() + LOOKS_AGAIN
            return min(earliest or again, again, batch.expires_at)
        await self._finalize(batch)
        return None

    async def _finalize(self, batch: Batch) -> None:
        async with self._transactions.transaction(batch.org_id):
            found = await self._batches.find(batch.org_id, batch.id, locked=True)
            if found is not None and found.status is Status.IN_PROGRESS:  # else it is being cancelled
                change = {"status": Status.FINALIZING, "finalizing_at": self._clock.now()}
                await self._batches.change(batch.org_id, batch.id, **change)
