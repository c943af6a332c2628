"""Calls that mean the same: what the shadow tells of them, and which of them get an answer."""

from typing import Any

import openai
import pytest

from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.meaning import ASKED, SAME, SYSTEM, Asker, compares, semantic
from tests.integration.gateway.metered import held
from tests.integration.gateway.platform import Platform
from tests.integration.gateway.scripted import Scripted, scripted
from tests.load.semantic_cache.pairs import read_all


async def test_the_shadow_tells_of_an_answer_and_does_not_give_it(
    set_up: SetUp, asker: Asker, first: Scripted, embedder: Scripted
) -> None:
    await compares(set_up, "shadow")

    assert await asker.ask() == "miss"
    assert await asker.ask(SAME) == "miss shadow"
    stored, told = (event["data"] for event in asker.platform.usage(asker.org))
    assert (len(first.calls), embedder.embedded) == (2, [ASKED, SAME])
    assert (stored["cache"], stored["cache_match"], stored["similarity"], stored["cache_entry"]) == (
        "miss",
        None,
        None,
        None,
    )
    assert (told["cache"], told["cache_match"], told["similarity"]) == ("miss", "shadow", 1.0)
    assert told["cache_entry"] == asker.headers["x-llmo-cache-entry"] == asker.platform.usage(asker.org)[0]["id"]
    assert asker.headers["x-llmo-cache-similarity"] == "1.000"


async def test_an_answer_to_a_call_that_means_the_same_is_given(
    set_up: SetUp, asker: Asker, first: Scripted, embedder: Scripted
) -> None:
    await compares(set_up)

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
    await compares(set_up)
    await asker.ask()

    assert await asker.ask() == "hit exact"
    assert await asker.ask(f"Please, {ASKED}") == "hit form"
    assert await asker.ask("HOW DO I cancel my subscription") == "hit form"
    assert (len(first.calls), len(embedder.embedded)) == (1, 1)


async def test_a_stream_gets_the_answer_to_a_stream_only(
    set_up: SetUp, asker: Asker, first: Scripted, embedder: Scripted
) -> None:
    await compares(set_up)

    assert await asker.ask(stream=True) == "miss"
    assert await asker.ask(SAME) == "miss"
    assert await asker.ask("How do I actually cancel my subscription?", stream=True) == "hit semantic"
    again: Any = {"model": "small", "messages": [SYSTEM, {"role": "user", "content": SAME}], "temperature": 0}
    stream: Any = await asker.platform.client(asker.org).chat.completions.create(**again, stream=True)
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]) == "first"
    assert (len(first.calls), len(embedder.embedded)) == (2, 3)  # the third was asked for before


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "large"},
        {"temperature": 0.1},
        {"max_tokens": 7},
        {"seed": 1},
        {"response_format": {"type": "json_object"}},
        {"messages": [{"role": "system", "content": "Be rude."}, {"role": "user", "content": SAME}]},
        {"messages": [{"role": "user", "content": SAME}]},
        {"messages": [SYSTEM, {"role": "user", "content": "Hi"}, {"role": "user", "content": SAME}]},
        {"messages": [{"role": "user", "content": "Be kind."}, {"role": "user", "content": SAME}]},
        {"headers": {"x-llmo-cache-namespace": "another"}},
    ],
)
@pytest.mark.usefixtures("first", "second")
async def test_what_makes_another_call_makes_another_answer(
    set_up: SetUp, asker: Asker, embedder: Scripted, changes: dict[str, Any]
) -> None:
    await compares(set_up)
    await asker.ask()

    assert await asker.ask(SAME, **changes) == "miss"
    assert len(embedder.embedded) == 2  # it was looked for, and among other calls
    assert await asker.ask(SAME) == "hit semantic"


@pytest.mark.parametrize(
    "changes",
    [
        {"temperature": 0.31},
        {"temperature": None},
        {"n": 2},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
        {"functions": [{"name": "f", "parameters": {}}]},
        {"question": f"{ASKED} {'Really. ' * 40}"},
        {"question": f"{ASKED}\nThank you."},
        {"question": "Как отменить подписку?"},
        {"question": "How do I do that?"},
        {"messages": [SYSTEM, {"role": "user", "content": [{"type": "text", "text": SAME}]}]},
        {"messages": [SYSTEM, {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}, {"role": "user", "content": SAME}]},
        {"messages": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": SAME}]},
        {"headers": {"x-llmo-cache": "exact"}},
        {"headers": {"x-llmo-cache": "no-cache"}},
        {"headers": {"x-llmo-region": "eu"}},
    ],
)
@pytest.mark.usefixtures("first")
async def test_of_some_calls_nobody_asks_what_they_mean(
    set_up: SetUp, asker: Asker, embedder: Scripted, changes: dict[str, Any]
) -> None:
    await compares(set_up)
    await asker.ask()

    assert await asker.ask(**{"question": SAME, **changes}) == "miss"
    assert (embedder.embedded, asker.last["embedding_usd"]) == ([ASKED], None)


@pytest.mark.usefixtures("first", "embedder")
async def test_any_temperature_will_do_where_the_policy_says_so(set_up: SetUp, asker: Asker) -> None:
    await compares(set_up, cache_any_temperature=True)

    assert [await asker.ask(question, temperature=1) for question in (ASKED, SAME)] == ["miss", "hit semantic"]


@pytest.mark.usefixtures("first", "embedder")
@pytest.mark.parametrize("category", ["number", "negation", "direction", "code", "date", "unit", "product", "name"])
async def test_near_misses_are_no_hits_even_if_the_model_takes_them_for_equal(
    set_up: SetUp, asker: Asker, category: str
) -> None:
    await compares(set_up, cache_any_temperature=True)
    pairs = [pair for pair in read_all() if pair.category == category and not pair.kind.same][:15]
    assert len(pairs) == 15 or category == "unit"

    found = {}
    for number, pair in enumerate(pairs):
        apart = {"headers": {"x-llmo-cache-namespace": str(number)}}
        await asker.ask(pair.first, **apart)
        found[pair.second] = await asker.ask(pair.second, **apart)
    assert set(found.values()) == {"miss"}, found


@pytest.mark.usefixtures("first")
async def test_a_caller_may_ask_for_more_similarity_and_not_for_less(
    set_up: SetUp, asker: Asker, embedder: Scripted
) -> None:
    await compares(set_up, semantic_threshold=0.95)
    await asker.ask()
    embedder.vector = [1.0, -1.0, 0.5, 0.75] * 96  # a cosine of 0.957

    assert await asker.ask(SAME, headers={"x-llmo-cache-threshold": "0.97"}) == "miss"
    assert await asker.ask("How do I cancel my subscription now?", headers={"x-llmo-cache-threshold": "1"}) == "miss"
    assert await asker.ask("How do I cancel my subscription early?") == "hit semantic"


@pytest.mark.usefixtures("first")
async def test_less_similar_calls_are_no_hits_whatever_the_caller_says(
    set_up: SetUp, asker: Asker, embedder: Scripted
) -> None:
    await compares(set_up)
    await asker.ask()
    embedder.vector = [1.0, -1.0, 0.5, 1.0] * 96  # a cosine of 0.900

    assert await asker.ask(SAME, headers={"x-llmo-cache-threshold": "0.1"}) == "miss"


@pytest.mark.parametrize("threshold", ["", "high", "1.01", "-1", "nan", "1e-1", "0.1234567"])
async def test_a_threshold_that_is_none_is_refused(asker: Asker, first: Scripted, threshold: str) -> None:
    with pytest.raises(openai.BadRequestError, match="x-llmo-cache-threshold"):
        await asker.ask(headers={"x-llmo-cache-threshold": threshold})
    assert first.calls == []


@pytest.mark.usefixtures("first", "embedder")
async def test_what_is_purged_is_not_found(set_up: SetUp, asker: Asker) -> None:
    await compares(set_up)
    await asker.ask()
    for project in (set_up.org.project_id, None):
        await set_up.purge(project)
        assert await asker.ask(SAME) == "miss"
        assert await asker.ask("How do I actually cancel my current subscription?") == "hit semantic"


@pytest.mark.usefixtures("embedder")
async def test_what_other_guardrails_looked_at_is_not_given(set_up: SetUp, asker: Asker, first: Scripted) -> None:
    await compares(set_up)
    await asker.ask()

    await set_up.guardrail("secret", "deny", "block", words=["secret"])
    assert await asker.ask(SAME) == "miss"
    assert await asker.ask("How do I actually cancel my current subscription?") == "hit semantic"
    assert len(first.calls) == 2


@pytest.mark.usefixtures("first", "embedder")
@pytest.mark.parametrize("rules", [{"max_output_tokens": 9}, {"cache_namespace": "mine"}])
async def test_a_key_whose_policy_makes_other_calls_of_them_begins_anew(
    set_up: SetUp, asker: Asker, rules: dict[str, Any]
) -> None:
    await compares(set_up)
    await asker.ask()
    await set_up.policy(key_id=set_up.org.key_id, **semantic(**rules))

    assert await asker.ask(SAME) == "miss"
    assert await asker.ask("How do I actually cancel my current subscription?") == "hit semantic"


@pytest.mark.usefixtures("first", "embedder")
async def test_no_call_names_its_way_to_what_another_key_asked(set_up: SetUp, asker: Asker) -> None:
    await compares(set_up, cache_namespace="mine")
    await asker.ask()
    await set_up.policy(key_id=set_up.org.key_id, **semantic(cache_namespace="other"))

    assert await asker.ask(SAME, headers={"x-llmo-cache-namespace": "mine"}) == "miss"


@pytest.mark.usefixtures("first", "embedder")
async def test_a_project_with_another_embedding_model_begins_anew(set_up: SetUp, asker: Asker) -> None:
    await compares(set_up)
    await asker.ask()
    async with scripted("other") as other:
        await set_up.provider("other", other.url)
        await set_up.model("others", "other", price="0.1")
        await set_up.policy(
            set_up.org.project_id, cache="semantic", semantic_mode="on", semantic_embedding_model="others"
        )
        assert await asker.ask(SAME) == "miss"


async def test_the_deployments_own_provider_embeds_too(
    platform: Platform, set_up: SetUp, asker: Asker, first: Scripted
) -> None:
    await compares(set_up, "shadow", semantic_embedding_model="text-embedding-3-small")

    await asker.ask("Please tell me how to cancel my subscription to the newspaper")
    assert await asker.ask("Please kindly tell me how to cancel my subscription to the newspaper") == "miss shadow"
    assert 0.94 <= asker.last["similarity"] < 1
    assert float(asker.last["embedding_usd"]) == pytest.approx(1e-8 * 20, rel=0.5)
    assert len(first.calls) == 2
    assert await held(platform, set_up.org) == 0
