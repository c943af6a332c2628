"""What the fake upstream remembers, so that a test can prove what was sent and that a connection was closed."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from local.vendors.openai_answers import Json

_REMEMBERED = 200


@dataclass
class Journal:
    """What the upstream has seen.

    Attributes:
        requests: How many calls came.
        aborted: How many callers went before the end.
        last: The last calls, oldest first; the member `outcome` is `pending`, `answered` or `aborted`.
    """

    requests: int = 0
    aborted: int = 0
    last: deque[Json] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, request: Json) -> Json:
        """Remember a call that came; gives its entry."""
        entry = {**request, "outcome": "pending"}
        self.requests += 1
        self.last.append(entry)
        return entry

    def note_answer(self, entry: Json) -> None:
        """Note that a call was answered."""
        entry["outcome"] = "answered"

    def note_abort(self, entry: Json) -> None:
        """Count a caller that went."""
        entry["outcome"] = "aborted"
        self.aborted += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def about(self, text: str) -> list[Json]:
        """The remembered calls whose body contains this text."""
        return [entry for entry in self.last if text in str(entry["body"])]

    async def until_aborted(self, count: int, about: str = "") -> None:
        """Wait until so many callers went, of those whose call is about something if it is given."""
        while self._aborted(about) < count:
            await self._changed.wait()

    def _aborted(self, about: str) -> int:
        return sum(entry["outcome"] == "aborted" for entry in self.about(about)) if about else self.aborted
