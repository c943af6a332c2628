"""What the fake upstream remembers, so that a test can prove what was sent and that a connection was closed."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from local.vendors.openai_answers import Json

_REMEMBERED = 200


@dataclass
class Journal:
    """What the upstream has seen."""

    requests: int = 0
    aborted: int = 0
    last: deque[Json] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def note_abort(self) -> None:
        """Count a caller that went."""
        self.aborted += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def until_aborted(self, count: int) -> None:
        """Wait until so many callers went."""
        while self.aborted < count:
            await self._changed.wait()
