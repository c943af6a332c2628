"""Embeddings of messages: from a provider, remembered for a while, and never waited for long."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

import orjson

from integration.gateway.call import Endpoint
from integration.gateway.destinations import Connection
from integration.gateway.endpoints.form import CHARACTERS_PER_TOKEN
from integration.gateway.errors import UpstreamBroken, UpstreamError, UpstreamTimeout
from integration.gateway.metering import Usage
from integration.gateway.planning import Target
from integration.gateway.similarity import NoVector, quantised
from integration.gateway.sought import Embedded
from integration.gateway.usage import read_answer, read_usage
from llmo_core.observability import logger

_DIMENSIONS: Final = 384
# Only these are known to shorten their vectors: https://platform.openai.com/docs/guides/embeddings
_SHORTENING: Final = "text-embedding-3"
_DEADLINE_SECONDS: Final = 0.25
_LIMIT_SECONDS: Final = 5.0
_MOST_RUNNING: Final = 16
_FAILURES_THAT_OPEN: Final = 5
_OPEN_SECONDS: Final = 30.0
_MOST_REMEMBERED: Final = 256
_MOST_CIRCUITS: Final = 1_000

type _Which = tuple[str, str, str, str]


class Provider(Protocol):
    """Model providers, as the gateway asks them for what is no call of a client."""

    async def ask(self, method: str, path: str, connection: Connection | None, body: bytes | None = None) -> bytes:
        """A provider's whole answer. Raises the Upstream errors."""
        ...


class ProviderEmbedder:
    """Asks a provider that speaks OpenAI's API."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def embed(self, target: Target, text: str) -> Embedded:
        """The vector of a text, and what the provider takes for it. Raises the Upstream errors."""
        shorter = {"dimensions": _DIMENSIONS} if target.upstream_model.startswith(_SHORTENING) else {}
        body = orjson.dumps({"model": target.upstream_model, "input": text, **shorter})
        raw = await self._provider.ask("POST", Endpoint.EMBEDDINGS.path, target.connection, body)
        answer = read_answer(raw)
        usage = read_usage(answer.get("usage"), produces=False)
        if usage is None:
            usage = Usage(-(-len(text.encode()) // CHARACTERS_PER_TOKEN), estimated=True)
        try:
            vector = quantised(_components(answer))
        except (NoVector, LookupError, TypeError) as error:
            raise UpstreamBroken("The model provider's embedding cannot be read.") from error
        return Embedded(vector, target.prices.tier(None).cost(usage))


def _components(answer: dict[str, Any]) -> list[float]:
    components: list[float] = answer["data"][0]["embedding"]
    if not isinstance(components, list):
        raise TypeError
    return components


class ResilientEmbedder:
    """Remembers the texts that were embedded last, waits a quarter of a second at most, and leaves who fails alone.

    What is remembered costs nothing, and is each organization's own: what another one asked is not told by the price.
    After five failures in a row half a minute passes before one call asks again. An answer that comes too late is a
    failure, too, but remembered: whoever is cold gets warm, and keeps its connection. It is charged to nobody.

    Args:
        timer: Monotonic seconds.
        deadline_seconds: How long a call waits.
        limit_seconds: How long a request may take that no call waits for any more.
    """

    def __init__(
        self,
        embedder: ProviderEmbedder,
        *,
        timer: Callable[[], float],
        deadline_seconds: float = _DEADLINE_SECONDS,
        limit_seconds: float = _LIMIT_SECONDS,
    ) -> None:
        self._embedder = embedder
        self._timer = timer
        self._deadline = deadline_seconds
        self._limit = limit_seconds
        self._running: set[asyncio.Task[Embedded | UpstreamError | TimeoutError]] = set()
        self._remembered: dict[tuple[_Which, str], Embedded] = {}
        self._failures: dict[_Which, int] = {}
        self._open_until: dict[_Which, float] = {}

    async def embed(self, org_ref: str, target: Target, text: str) -> Embedded | None:
        """The vector of a text; None when there is none soon enough."""
        which = (org_ref, target.id, target.salt, target.upstream_model)
        known = self._remembered.pop((which, text), None)
        if known is not None:
            self._remembered[which, text] = known  # the last one that was used
            return Embedded(known.vector, 0)
        if len(self._running) >= _MOST_RUNNING or not self._passable(which):
            return None
        asking = asyncio.create_task(self._asked(which, target, text))
        self._running.add(asking)
        asking.add_done_callback(self._running.discard)
        try:
            async with asyncio.timeout(self._deadline):
                answer = await asyncio.shield(asking)
        except TimeoutError as error:
            answer = error
        if not isinstance(answer, Embedded):
            self._failed(which, answer)
            return None
        self._failures.pop(which, None)
        self._open_until.pop(which, None)
        return answer

    async def close(self) -> None:
        """Give up what is still being asked for."""
        running = list(self._running)
        for asking in running:
            asking.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _asked(self, which: _Which, target: Target, text: str) -> Embedded | UpstreamError | TimeoutError:
        """What the provider answers, or why it does not; remembered, whether or not somebody still waits for it."""
        try:
            async with asyncio.timeout(self._limit):
                embedded = await self._embedder.embed(target, text)
        except (UpstreamError, TimeoutError) as error:
            return error
        self._remember(which, text, embedded)
        return embedded

    def _passable(self, which: _Which) -> bool:
        """Whether to ask: while a circuit is open nobody does, and then one call in half a minute."""
        if which not in self._open_until:
            return True
        if self._timer() < self._open_until[which]:
            return False
        self._open_until[which] = self._timer() + _OPEN_SECONDS
        return True

    def _failed(self, which: _Which, error: UpstreamError | TimeoutError) -> None:
        failures = self._failures[which] = self._failures.get(which, 0) + 1
        if failures == _FAILURES_THAT_OPEN:
            cause = UpstreamTimeout() if isinstance(error, TimeoutError) else error
            logger().warning("an embedding model is left alone", extra={"model": which[-1], "cause": repr(cause)})
        if failures >= _FAILURES_THAT_OPEN:
            self._open_until[which] = self._timer() + _OPEN_SECONDS
        if len(self._failures) > _MOST_CIRCUITS:
            oldest = next(iter(self._failures))
            del self._failures[oldest]
            self._open_until.pop(oldest, None)

    def _remember(self, which: _Which, text: str, embedded: Embedded) -> None:
        self._remembered[which, text] = embedded
        if len(self._remembered) > _MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
