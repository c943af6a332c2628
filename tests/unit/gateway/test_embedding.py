"""Embeddings: remembered for the organization that asked, and never waited for long."""

import asyncio
import json
from collections import deque
from typing import Any

import pytest

from integration.gateway.destinations import Connection
from integration.gateway.embedding import ProviderEmbedder, ResilientEmbedder
from integration.gateway.errors import UpstreamBroken, UpstreamError, UpstreamUnreachable
from integration.gateway.organization import Organization
from integration.gateway.planning import Planner, Target
from integration.gateway.pricing import PriceTable
from llmo_core.clock import SystemClock

CLOCK = SystemClock()
PLANNER = Planner(PriceTable({}, now=CLOCK.now), now=CLOCK.now)


def target(model: str = "text-embedding-3-small") -> Target:
    organization = Organization()
    return PLANNER.plan(organization, frozenset(("tokens",)), model).targets[0]  # type: ignore[arg-type] # its values


def told(embedding: object = (0.5, -0.5), **usage: int) -> bytes:
    return json.dumps({"data": [{"embedding": embedding}], **({"usage": usage} if usage else {})}).encode()


class FakeProvider:
    """Answers the same to every text, or what a test wants next."""

    def __init__(self, *script: bytes | UpstreamError) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.script = deque(script)

    async def ask(self, method: str, path: str, connection: Connection | None, body: bytes | None = None) -> bytes:
        assert (method, path, connection) == ("POST", "/embeddings", None)
        assert body is not None
        self.bodies.append(json.loads(body))
        answer = self.script.popleft() if self.script else told(prompt_tokens=12, total_tokens=12)
        if isinstance(answer, UpstreamError):
            raise answer
        return answer


class Timer:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def resilient(provider: FakeProvider, timer: Timer | None = None) -> ResilientEmbedder:
    return ResilientEmbedder(ProviderEmbedder(provider), timer=timer or Timer())


async def test_it_costs_what_the_provider_counts() -> None:
    provider = FakeProvider()
    embedded = await ProviderEmbedder(provider).embed(target(), "hello")
    assert embedded.cost_pico == 12 * 20_000  # 0.02 dollars per million tokens
    assert embedded.vector.values == bytes([127, 256 - 127])
    assert provider.bodies == [{"model": "text-embedding-3-small", "input": "hello", "dimensions": 384}]


async def test_tokens_that_are_not_told_are_estimated_and_only_what_can_be_shortened_is() -> None:
    provider = FakeProvider(told())
    embedded = await ProviderEmbedder(provider).embed(target("text-embedding-ada-002"), "hello there")
    assert embedded.cost_pico == 3 * 100_000
    assert provider.bodies == [{"model": "text-embedding-ada-002", "input": "hello there"}]


@pytest.mark.parametrize(
    "answer",
    [
        b"no",
        b"{}",
        b'{"data": []}',
        b'{"data": [{}]}',
        b'{"data": [1]}',
        told("text"),
        told([0, 0]),
        told([]),
        told(["a"]),
    ],
)
async def test_what_is_no_embedding_is_refused(answer: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        await ProviderEmbedder(FakeProvider(answer)).embed(target(), "hello")
    assert await resilient(FakeProvider(answer)).embed("org", target(), "hello") is None


async def test_a_text_is_remembered_for_the_organization_that_asked() -> None:
    provider = FakeProvider()
    embedder = resilient(provider)
    costs = [await embedder.embed(org, target(), "hello") for org in ("one", "one", "two")]
    assert [embedded.cost_pico > 0 for embedded in costs if embedded] == [True, False, True]
    assert len(provider.bodies) == 2


async def test_the_texts_used_last_are_remembered() -> None:
    provider = FakeProvider()
    embedder = resilient(provider)
    for number in [*range(256), 0, 256]:
        await embedder.embed("org", target(), f"text {number}")
    asked = len(provider.bodies)
    await embedder.embed("org", target(), "text 0")
    assert len(provider.bodies) == asked == 257
    await embedder.embed("org", target(), "text 1")
    assert len(provider.bodies) == 258


async def test_a_provider_that_fails_five_times_in_a_row_is_left_alone_for_half_a_minute() -> None:
    provider, timer = FakeProvider(*[UpstreamUnreachable()] * 6), Timer()
    embedder = resilient(provider, timer)

    async def works(org: str = "org") -> bool:
        return await embedder.embed(org, target(), "hello") is not None

    assert [await works() for _ in range(7)] == [False] * 7
    assert len(provider.bodies) == 5
    timer.now = 29.9
    assert not await works()
    timer.now = 30
    assert [await works() for _ in range(2)] == [False, False]
    assert len(provider.bodies) == 6  # one call found out
    assert await works("another")  # whose circuit is another one
    timer.now = 60
    assert [await works() for _ in range(2)] == [True, True]


async def test_a_success_begins_the_count_anew() -> None:
    broken = [UpstreamUnreachable()] * 4
    provider = FakeProvider(*broken, told(), *broken)
    embedder = resilient(provider)
    found = [await embedder.embed("org", target(), f"text {number}") for number in range(10)]
    assert [one is not None for one in found] == [*[False] * 4, True, *[False] * 4, True]


class Gated(FakeProvider):
    """Answers when a test opens the gate."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.given_up = 0

    async def ask(self, method: str, path: str, connection: Connection | None, body: bytes | None = None) -> bytes:
        answer = await super().ask(method, path, connection, body)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        return answer


async def settled(embedder: ResilientEmbedder) -> None:
    await asyncio.gather(*embedder._running)


async def test_an_answer_that_comes_too_late_is_remembered_and_charged_to_nobody() -> None:
    provider = Gated()
    embedder = ResilientEmbedder(ProviderEmbedder(provider), timer=Timer(), deadline_seconds=0)
    assert await embedder.embed("org", target(), "hello") is None
    provider.gate.set()
    await settled(embedder)
    late = await embedder.embed("org", target(), "hello")
    assert late is not None
    assert (late.cost_pico, len(provider.bodies), provider.given_up) == (0, 1, 0)


async def test_only_some_are_asked_for_at_once_and_all_are_given_up_at_the_end() -> None:
    provider = Gated()
    embedder = ResilientEmbedder(ProviderEmbedder(provider), timer=Timer(), deadline_seconds=0)
    for number in range(20):
        assert await embedder.embed(f"org {number}", target(), "hello") is None
    await asyncio.sleep(0)
    assert len(provider.bodies) == 16
    await embedder.close()
    assert provider.given_up == 16


async def test_a_request_that_nobody_waits_for_ends_too() -> None:
    provider = Gated()
    embedder = ResilientEmbedder(ProviderEmbedder(provider), timer=Timer(), deadline_seconds=0, limit_seconds=0)
    assert await embedder.embed("org", target(), "hello") is None
    await settled(embedder)
    assert await embedder.embed("org", target(), "hello") is None


async def test_who_does_not_answer_in_time_is_not_waited_for() -> None:
    class Slow(FakeProvider):
        async def ask(self, *_: object, **__: object) -> bytes:
            await asyncio.Event().wait()
            raise AssertionError

    embedder = ResilientEmbedder(ProviderEmbedder(Slow()), timer=Timer(), deadline_seconds=0)
    assert await embedder.embed("org", target(), "hello") is None
