"""The semantic cache when something is missing or slow, what it holds and charges, and how long it keeps entries."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import openai
import pytest
import pytest_asyncio

from llmo_data.pipelined_redis import PipelinedRedis
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.meaning import ASKED, SAME, Asker, compares
from tests.integration.gateway.metered import held, spent
from tests.integration.gateway.scripted import Scripted, Step

RECORD_BYTES = 16 + 48  # of a vector with 384 components


@pytest_asyncio.fixture
async def raw(redis_url: str) -> AsyncIterator[PipelinedRedis]:
    """Redis, whose replies stay bytes."""
    redis = PipelinedRedis(redis_url)
    yield redis
    await redis.aclose()


@pytest.mark.parametrize("steps", [[500], ["text"], ["stall"], [(429, "9")], [401], [404]])
async def test_without_a_vector_a_call_is_a_plain_miss(
    set_up: SetUp, asker: Asker, first: Scripted, embedder: Scripted, steps: list[Step]
) -> None:
    await compares(set_up)
    await asker.ask()
    embedder.then(*steps)

    assert await asker.ask(SAME) == "miss"
    assert (asker.last["cost_usd"], asker.last["embedding_usd"]) == ("1", "0")
    assert len(first.calls) == 2
    assert await held(asker.platform, asker.org) == 0
    assert await asker.ask("How do I actually cancel my subscription?") == "hit semantic"  # the next one is


async def test_a_model_that_fails_is_left_alone(
    set_up: SetUp, asker: Asker, first: Scripted, embedder: Scripted
) -> None:
    await compares(set_up)
    embedder.then(*[500] * 5)

    for number in range(7):
        assert await asker.ask(f"How do I cancel contract {number}?") == "miss"
    assert (len(first.calls), len(embedder.calls)) == (7, 5)


@pytest.mark.parametrize("model", ["nothing", "meaning/nothing", "route", "no/such", "gpt-image-1"])
@pytest.mark.usefixtures("embedder")
async def test_without_a_model_that_embeds_the_cache_compares_forms(
    set_up: SetUp, asker: Asker, first: Scripted, model: str
) -> None:
    await set_up.route("route", ["meanings"])
    await compares(set_up, semantic_embedding_model=model)

    assert [await asker.ask(question) for question in (ASKED, SAME, f"Please: {ASKED}")] == ["miss", "miss", "hit form"]
    assert len(first.calls) == 2


async def test_what_the_embedding_can_cost_is_held_and_what_it_did_is_charged(
    set_up: SetUp, asker: Asker, first: Scripted, embedder: Scripted
) -> None:
    await set_up.connection.execute(
        "UPDATE auth.api_keys SET monthly_budget_usd = 100 WHERE id = %s", (set_up.org.key_id,)
    )
    await compares(set_up)
    first.hold()
    holds = []
    for number, cache in enumerate(("exact", "")):
        asking = asyncio.create_task(asker.ask(headers={"x-llmo-cache": cache, "x-llmo-cache-namespace": cache}))
        await first.until_called(number + 1)
        holds.append(await held(asker.platform, asker.org))
        first.let_go()
        assert await asking == "miss"
        first.hold()
    first.let_go()
    assert holds[1] - holds[0] == (len(ASKED) + 8) * 100_000  # no text has more tokens than bytes

    assert await asker.ask(SAME) == "hit semantic"
    assert await held(asker.platform, asker.org) == 0
    assert await spent(asker.platform, asker.org) == Decimal("2.2")
    assert len(embedder.embedded) == 2


@pytest.mark.usefixtures("first")
async def test_a_budget_that_has_no_room_for_the_embedding_refuses_before_it_is_asked_for(
    set_up: SetUp, asker: Asker, embedder: Scripted
) -> None:
    await set_up.model("dear", "meaning", price="1000000")
    await compares(set_up, semantic_embedding_model="dear")
    await set_up.budget("20")

    with pytest.raises(openai.RateLimitError):
        await asker.ask()
    assert embedder.calls == []


async def test_a_caller_who_leaves_while_a_vector_is_awaited_holds_nothing(
    set_up: SetUp, asker: Asker, first: Scripted, embedder: Scripted
) -> None:
    await set_up.budget("100")
    await compares(set_up)
    await asker.ask(stream=True)
    embedder.hold()

    leaving = asyncio.create_task(asker.ask(SAME, stream=True))
    await embedder.until_called(2)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    embedder.let_go()
    await asker.platform.until_idle(asker.org)
    assert len(first.calls) == 1
    assert await held(asker.platform, asker.org) == 0


@pytest.mark.usefixtures("first", "embedder")
async def test_entries_live_as_long_as_their_answers(set_up: SetUp, asker: Asker) -> None:
    await compares(set_up, "shadow", cache_ttl_seconds=100)
    await asker.ask()
    await asker.ask("How do I cancel my other subscription?", headers={"x-llmo-cache-ttl": "1000"})
    await asker.ask("How do I cancel my third subscription?", headers={"x-llmo-cache-ttl": "10"})

    redis = asker.platform.redis
    lives = sorted([await redis.ttl(name) for name in await asker.keys("*:e:*")])
    assert [near in range(life - 3, life + 1) for near, life in zip(lives, (10, 100, 1000), strict=True)] == [True] * 3
    buckets = [name for name in await asker.keys("*") if ":e:" not in name and ":of:" not in name]
    assert max([await redis.ttl(name) for name in buckets]) in range(997, 1001)


@pytest.mark.usefixtures("first", "embedder")
async def test_an_entry_whose_answer_is_gone_is_no_hit(set_up: SetUp, asker: Asker) -> None:
    await compares(set_up)
    await asker.ask()
    async for name in asker.platform.redis.scan_iter(match=f"{{{asker.org.org_ref}}}:cache:*"):
        await asker.platform.redis.delete(name)
    assert await asker.ask(SAME) == "miss"

    for name in await asker.keys("*:e:*"):
        await asker.platform.redis.delete(name)
    assert await asker.ask("How do I actually cancel my current subscription?") == "miss"


@pytest.mark.usefixtures("first", "embedder")
async def test_the_oldest_of_256_entries_makes_room(raw: PipelinedRedis, set_up: SetUp, asker: Asker) -> None:
    await compares(set_up, "shadow")
    await asker.ask()
    bucket = await bucket_of(asker)
    (oldest,) = await asker.keys("*:e:*")
    record = await raw.call("GET", bucket)
    assert len(record) == RECORD_BYTES
    newer = b"".join(number.to_bytes(16) + record[16:] for number in range(1, 256))
    await raw.call("SET", bucket, newer + record)

    assert await asker.ask(SAME) == "miss"  # the four that are looked at are no entries: 256 equal vectors
    kept = await raw.call("GET", bucket)
    assert len(kept) == 256 * RECORD_BYTES
    assert kept[RECORD_BYTES:] == newer
    assert oldest not in await asker.keys("*:e:*")
    assert len(await asker.keys("*:e:*")) == 1


@pytest.mark.usefixtures("first", "embedder")
async def test_a_bucket_that_makes_no_sense_is_an_empty_one(raw: PipelinedRedis, set_up: SetUp, asker: Asker) -> None:
    await compares(set_up)
    await asker.ask()
    bucket = await bucket_of(asker)
    await raw.call("SET", bucket, b"x" * (RECORD_BYTES + 1))

    assert await asker.ask(SAME) == "miss"
    assert await asker.ask("How do I actually cancel my current subscription?") == "hit semantic"
    assert len(await raw.call("GET", bucket)) == RECORD_BYTES


async def test_an_answer_that_is_not_kept_makes_no_entry(
    set_up: SetUp, asker: Asker, first: Scripted, embedder: Scripted
) -> None:
    await compares(set_up)
    first.then(500)
    with pytest.raises(openai.InternalServerError):
        await asker.ask()
    assert asker.last["cost_usd"] == asker.last["embedding_usd"] == "0.1"  # the embedding was paid for
    assert await asker.keys("*") == []
    assert embedder.embedded == [ASKED]


async def test_projects_that_do_not_compare_meanings_have_nothing_of_it(
    set_up: SetUp, asker: Asker, first: Scripted
) -> None:
    await set_up.policy(cache="form")
    assert [await asker.ask(question) for question in (ASKED, SAME)] == ["miss", "miss"]
    assert await asker.keys("*") == []
    assert (asker.last["embedding_usd"], asker.last["cache_entry"], asker.last["similarity"]) == (None, None, None)
    assert len(first.calls) == 2


async def bucket_of(asker: Asker) -> str:
    """The name of the only bucket."""
    (bucket,) = [name for name in await asker.keys("*") if ":e:" not in name and ":of:" not in name]
    return bucket


@pytest.mark.usefixtures("first", "embedder")
async def test_a_message_that_is_stored_again_takes_the_place_of_its_earlier_entry(set_up: SetUp, asker: Asker) -> None:
    await compares(set_up, "shadow")
    for beginning in ("", "Actually ", "Also ", "Please also ", "So actually "):
        await asker.ask(f"{beginning}{ASKED}".replace("How", "how"))

    assert len(await asker.keys("*:e:*")) == 1
    (bucket,) = [name for name in await asker.keys("*") if ":e:" not in name and ":of:" not in name]
    assert await asker.platform.redis.strlen(bucket) == 64
