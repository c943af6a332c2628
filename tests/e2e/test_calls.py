"""The main promise: OpenAI's own client works unchanged, and what it cost can be read back."""

from datetime import UTC, datetime
from decimal import Decimal

from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionChunk

from tests.e2e.platform import Key, Platform, ask, unique
from tests.e2e.prices import cost, embedding_cost

MODEL = "gpt-4o-mini"
EMBEDDING = "text-embedding-3-small"


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def reported(usage: CompletionUsage | None) -> CompletionUsage:
    assert usage is not None
    return usage


async def test_a_completion_and_an_identical_one_from_the_cache_are_reported_with_exact_tokens_and_cost(
    platform: Platform, key: Key
) -> None:
    client, question = platform.client(key.text), unique()
    raw = await client.chat.completions.with_raw_response.create(model=MODEL, messages=ask(question))
    first = raw.parse()
    usage = reported(first.usage)
    price = cost(MODEL, usage)
    assert raw.headers["x-llmo-cache"] == "miss"
    assert Decimal(raw.headers["x-llmo-cost-usd"]) == price > 0
    again = await client.chat.completions.with_raw_response.create(model=MODEL, messages=ask(question))
    assert again.parse() == first
    assert again.headers["x-llmo-cache"] == "hit"
    assert Decimal(again.headers["x-llmo-cost-usd"]) == 0
    assert Decimal(again.headers["x-llmo-saved-usd"]) == price
    assert len(await platform.upstream_calls(question)) == 1

    totals = (await platform.usage_of(key, 2))["totals"]
    assert (totals["requests"], totals["cache_hits"], totals["errors"]) == (2, 1, 0)
    assert (totals["input_tokens"], totals["output_tokens"]) == (2 * usage.prompt_tokens, 2 * usage.completion_tokens)
    assert (Decimal(totals["cost_usd"]), Decimal(totals["saved_usd"])) == (price, price)


async def test_a_stream_has_the_same_text_and_price_as_the_plain_answer_and_a_cached_stream_costs_nothing(
    platform: Platform, key: Key
) -> None:
    client, question = platform.client(key.text), unique()
    plain = await client.chat.completions.create(model=MODEL, messages=ask(question))
    stream = await client.chat.completions.create(model=MODEL, messages=ask(question), stream=True)
    chunks = [chunk async for chunk in stream]
    assert text_of(chunks) == plain.choices[0].message.content
    assert all(chunk.usage is None and chunk.choices for chunk in chunks), "usage was not asked for"
    cached = await client.chat.completions.create(
        model=MODEL, messages=ask(question), stream=True, stream_options={"include_usage": True}
    )
    replayed = [chunk async for chunk in cached]
    assert text_of(replayed) == text_of(chunks)
    assert replayed[-1].usage == plain.usage
    assert len(await platform.upstream_calls(question)) == 2

    totals = (await platform.usage_of(key, 3))["totals"]
    price = cost(MODEL, reported(plain.usage))
    assert totals["output_tokens"] == 3 * reported(plain.usage).completion_tokens
    assert (Decimal(totals["cost_usd"]), Decimal(totals["saved_usd"])) == (2 * price, price)
    assert totals["ttft_ms"]["p50"] > 0


async def test_cached_and_reasoning_tokens_are_priced_as_the_provider_prices_them(platform: Platform, key: Key) -> None:
    question = unique("A long question about many things, to have something to cache [[cached=20]] [[reasoning=16]]")
    answer = await platform.client(key.text).chat.completions.create(model="gpt-4o", messages=ask(question))
    usage = reported(answer.usage)
    totals = (await platform.usage_of(key, 1))["totals"]
    assert (totals["cached_input_tokens"], totals["reasoning_tokens"]) == (20, 16)
    assert totals["output_tokens"] == usage.completion_tokens
    assert Decimal(totals["cost_usd"]) == cost("gpt-4o", usage)


async def test_an_embedding_arrives_and_is_priced(platform: Platform, key: Key) -> None:
    client, words = platform.client(key.text), [unique("one"), unique("two")]
    first = await client.embeddings.create(model=EMBEDDING, input=words)
    second = await client.embeddings.create(model=EMBEDDING, input=words)
    assert [len(item.embedding) for item in first.data] == [1536, 1536]
    assert second == first
    report = await platform.usage_of(key, 2, group_by="endpoint")
    price = embedding_cost(EMBEDDING, first.usage.prompt_tokens)
    (row,) = report["data"]
    assert (row["endpoint"], row["input_tokens"], row["output_tokens"]) == (
        "embeddings",
        2 * first.usage.prompt_tokens,
        0,
    )
    assert (Decimal(row["cost_usd"]), Decimal(row["saved_usd"])) == (price, price)


def test_the_blocking_client_works_as_well(platform: Platform, key: Key) -> None:
    with platform.sync_client(key.text) as client:
        question = unique()
        plain = client.chat.completions.create(model=MODEL, messages=ask(question))
        stream = client.chat.completions.create(model=MODEL, messages=ask(question), stream=True)
        assert text_of(list(stream)) == plain.choices[0].message.content
        assert len(client.embeddings.create(model=EMBEDDING, input=question).data[0].embedding) == 1536
        assert MODEL in {model.id for model in client.models.list()}
        assert client.models.retrieve(MODEL).id == MODEL


async def test_usage_can_be_grouped_by_key_model_project_and_day(platform: Platform, key: Key) -> None:
    client, expected = platform.client(key.text), dict[str, Decimal]()
    for model in ("gpt-4o-mini", "gpt-4o"):
        answer = await client.chat.completions.create(model=model, messages=ask(unique()))
        expected[model] = cost(model, reported(answer.usage))
    began = datetime.now(UTC).date()
    report = await platform.usage_of(key, 2, group_by="model,project,key,day")
    ended = datetime.now(UTC).date()
    assert report["group_by"] == ["model", "project", "key", "day"]
    assert {row["model"]: Decimal(row["cost_usd"]) for row in report["data"]} == expected
    assert {(row["project_id"], row["key_id"]) for row in report["data"]} == {(key.project_id, key.id)}
    assert {row["day"] for row in report["data"]} <= {began.isoformat(), ended.isoformat()}
    assert Decimal(report["totals"]["cost_usd"]) == sum(expected.values())


async def test_latencies_are_reported_in_order_and_include_the_upstreams(platform: Platform, key: Key) -> None:
    client = platform.client(key.text)
    for question in (unique("[[delay=0.2]]"), unique(), unique()):
        await client.chat.completions.create(model=MODEL, messages=ask(question))
    latency = (await platform.usage_of(key, 3))["totals"]["latency_ms"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p95"] <= latency["p99"]
    assert latency["p99"] >= 0.99 * 200, "the slowest of three calls is beyond 95 % of them"


async def test_chunks_reach_the_client_while_the_model_is_still_at_work(platform: Platform, key: Key) -> None:
    question = unique("[[pace=0.05]] [[chunks=20]]")
    stream = await platform.client(key.text).chat.completions.create(model=MODEL, messages=ask(question), stream=True)
    first = await anext(stream)
    (at_the_first,) = await platform.upstream_calls(question)
    rest = [chunk async for chunk in stream]
    (at_the_end,) = await platform.upstream_calls(question)
    assert (at_the_first["outcome"], at_the_end["outcome"]) == ("pending", "answered")
    assert len(text_of([first, *rest]).split()) == 20
