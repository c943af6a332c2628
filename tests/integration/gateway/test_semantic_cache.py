"""Calls that mean the same: what the shadow tells of them, and which of them get an answer."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.platform import Platform
from tests.integration.gateway.scripted import Scripted, scripted

ASKED = "How do I cancel my subscription?"
SAME = "How can I cancel the current subscription?"
SYSTEM = {"role": "system", "content": "Be kind."}
MILLION = {"prompt_tokens": 1_000_000, "total_tokens": 1_000_000}


@dataclass
class Asker:
    """Somebody who asks one question after the other, with a temperature of zero."""

    platform: Platform
    set_up: SetUp
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, question: str = ASKED, *, headers: dict[str, str] | None = None, **changes: Any) -> str:
        """What the cache did for a question, and how it found the answer."""
        messages = [SYSTEM, {"role": "user", "content": question}]
        call = {"model": "small", "messages": messages, "temperature": 0, "extra_headers": headers or {}}
        client = self.platform.client(self.set_up.org)
        answer = await client.chat.completions.with_raw_response.create(**{**call, **changes})
        self.headers = dict(answer.headers)
        if changes.get("stream"):
            async for _ in answer.parse():
                pass
        return " ".join(filter(None, (answer.headers["x-llmo-cache"], answer.headers.get("x-llmo-cache-match"))))

    @property
    def last(self) -> dict[str, Any]:
        """The last usage event."""
        data: dict[str, Any] = self.platform.usage(self.set_up.org)[-1]["data"]
        return data


@pytest_asyncio.fixture
async def embedder(set_up: SetUp) -> AsyncIterator[Scripted]:
    """The organization's provider `meaning`, to whose model `meanings` all texts mean the same, ten cents a call."""
    async with scripted("meaning") as provider:
        provider.usage = dict(MILLION)
        await set_up.provider("meaning", provider.url)
        await set_up.model("meanings", "meaning", price="0.1")
        yield provider


@pytest.fixture
def asker(platform: Platform, set_up: SetUp) -> Asker:
    return Asker(platform, set_up)


def semantic(mode: str = "on", **columns: Any) -> dict[str, Any]:
    return {"cache": "semantic", "semantic_mode": mode, "semantic_embedding_model": "meanings", **columns}


async def test_the_shadow_tells_of_an_answer_and_does_not_give_it(
    set_up: SetUp, asker: Asker, first: Scripted, embedder: Scripted
) -> None:
    await set_up.policy(**semantic("shadow"))

    assert await asker.ask() == "miss"
    assert await asker.ask(SAME) == "miss shadow"
    stored, told = (event["data"] for event in asker.platform.usage(set_up.org))
    assert (len(first.calls), embedder.embedded) == (2, [ASKED, SAME])
    assert (stored["cache"], stored["cache_match"], stored["similarity"], stored["cache_entry"]) == (
        "miss",
        None,
        None,
        None,
    )
    assert (told["cache"], told["cache_match"], told["similarity"]) == ("miss", "shadow", 1.0)
    assert told["cache_entry"] == asker.headers["x-llmo-cache-entry"] == asker.platform.usage(set_up.org)[0]["id"]
    assert asker.headers["x-llmo-cache-similarity"] == "1.000"


async def test_an_answer_to_a_call_that_means_the_same_is_given(
    set_up: SetUp, asker: Asker, first: Scripted, embedder: Scripted
) -> None:
    await set_up.policy(**semantic())

    assert await asker.ask() == "miss"
    assert asker.last["cost_usd"] == asker.headers["x-llmo-cost-usd"] == "1.1"
    assert await asker.ask(SAME) == "hit semantic"
    assert (len(first.calls), len(embedder.embedded)) == (1, 2)
    assert (asker.last["cost_usd"], asker.last["embedding_usd"], asker.last["saved_usd"]) == ("0.1", "0.1", "0.9")
    assert (asker.headers["x-llmo-cost-usd"], asker.headers["x-llmo-saved-usd"]) == ("0.1", "0.9")
    assert (asker.last["cache"], asker.last["cache_match"], asker.last["attempts"]) == ("hit", "semantic", 0)


async def test_equal_calls_and_those_of_the_same_form_ask_nobody_for_a_vector(
    set_up: SetUp, asker: Asker, embedder: Scripted, first: Scripted
) -> None:
    await set_up.policy(**semantic())
    await asker.ask()

    assert await asker.ask() == "hit exact"
    assert await asker.ask(f"Please, {ASKED}") == "hit form"
    assert await asker.ask("HOW DO I cancel my subscription") == "hit form"
    assert (len(first.calls), len(embedder.embedded)) == (1, 1)
