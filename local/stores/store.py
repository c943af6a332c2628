"""What every store promises."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from local.process import StartError


class Store(Protocol):
    """A database server that is reachable between `start` and `stop`, and keeps its data beyond them."""

    @property
    def kind(self) -> str:
        """Which server it is, in the words of the start-up banner."""
        ...

    async def start(self) -> str:
        """Its URL, once it answers. Raises StartError, saying what to do."""
        ...

    async def stop(self) -> None:
        """Stop what `start` started. Safe to repeat."""
        ...

    async def reset(self) -> None:
        """Delete the data of a stopped store that this stack owns; a store that the environment names keeps its own."""
        ...


class ExternalStore:
    """A store that runs already and is named by an environment variable.

    Args:
        kind: For the banner, e.g. `PostgreSQL at DATABASE_URL`.
        url: Where it is.
        ready: Connects; whatever it raises is the reason that is reported.
    """

    def __init__(self, kind: str, url: str, ready: Callable[[str], Awaitable[object]]) -> None:
        self.kind = kind
        self._url = url
        self._ready = ready

    async def start(self) -> str:
        """Its URL, once a connection succeeded. Raises StartError when none does."""
        try:
            await self._ready(self._url)
        except Exception as error:
            raise StartError(f"{self.kind} does not answer: {error}") from error
        return self._url

    async def stop(self) -> None:
        """Leave it running."""

    async def reset(self) -> None:
        """Leave its data alone."""
