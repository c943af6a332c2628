"""What a process is made of: real adapters, each made once at its first use, and closed together."""

from collections.abc import Awaitable, Callable
from functools import cache


class Composition:
    """The parts of one process. Tests close them and go on; the next use makes new ones."""

    def __init__(self) -> None:
        self._forget: list[Callable[[], None]] = []
        self._opened: list[Callable[[], Awaitable[None]]] = []

    def once[T](self, make: Callable[[], T]) -> Callable[[], T]:
        """Makes a part at the first call, and gives the same until `close`."""
        made = cache(make)
        self._forget.append(made.cache_clear)
        return made

    def closing[T](self, part: T, close: Callable[[T], Awaitable[None]]) -> T:
        """The part itself; it is closed with the others, the last one first."""
        self._opened.append(lambda: close(part))
        return part

    async def close(self) -> None:
        """Close what was opened, and forget every part."""
        while self._opened:
            await self._opened.pop()()
        for forget in self._forget:
            forget()
