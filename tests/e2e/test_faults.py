"""When the provider fails or the client leaves: OpenAI's shape, and nothing unmetered."""

import asyncio
from decimal import Decimal

import openai
import pytest

from tests.e2e.platform import Key, Platform, ask, unique

MODEL = "gpt-4o-mini"


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        ("[[status=400]]", openai.BadRequestError, 400),
        ("[[status=401]]", openai.InternalServerError, 502),
        ("[[status=429]]", openai.RateLimitError, 429),
        ("[[status=500]]", openai.InternalServerError, 500),
        ("[[status=503]]", openai.InternalServerError, 503),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_failure_of_the_provider_is_an_error_of_openais_client_and_counted_as_one(
    platform: Platform, key: Key, fault: str, error: type[openai.APIStatusError], status: int, *, stream: bool
) -> None:
    with pytest.raises(error) as failure:
        await platform.client(key.text).chat.completions.create(model=MODEL, messages=ask(unique(fault)), stream=stream)
    assert failure.value.status_code == status
    assert isinstance(failure.value.body, dict)
    assert failure.value.body["message"]
    assert failure.value.response.headers["x-request-id"]
    if status in {429, 503}:
        assert failure.value.response.headers["retry-after"] == "1"
    report = await platform.usage_of(key, 1, group_by="status")
    (row,) = report["data"]
    assert (row["status"], row["errors"], Decimal(row["cost_usd"])) == ("error", 1, Decimal(0))


@pytest.mark.parametrize("fault", ["[[malformed]]", "[[drop_after=1]]"])
async def test_an_answer_that_cannot_be_read_is_a_502_and_counted_as_an_error(
    platform: Platform, key: Key, fault: str
) -> None:
    with pytest.raises(openai.InternalServerError) as failure:
        await platform.client(key.text).chat.completions.create(model=MODEL, messages=ask(unique(fault)))
    assert failure.value.status_code == 502
    totals = (await platform.usage_of(key, 1))["totals"]
    assert (totals["errors"], Decimal(totals["cost_usd"])) == (1, Decimal(0))


@pytest.mark.parametrize("chunks", [1, 3])
async def test_a_stream_that_breaks_off_raises_in_openais_client_and_is_counted_as_an_error(
    platform: Platform, key: Key, chunks: int
) -> None:
    stream = await platform.client(key.text).chat.completions.create(
        model=MODEL, messages=ask(unique(f"[[drop_after={chunks}]]")), stream=True
    )
    received = [await anext(stream) for _ in range(chunks)]
    assert all(chunk.choices for chunk in received)
    with pytest.raises(openai.APIError) as failure:
        await anext(stream)
    assert str(failure.value.code).startswith("upstream_")
    totals = (await platform.usage_of(key, 1))["totals"]
    assert (totals["errors"], totals["requests"]) == (1, 1)
    assert totals["input_tokens"] > 0, "the provider has seen the question"


async def test_an_error_is_not_cached(platform: Platform, key: Key) -> None:
    client, question = platform.client(key.text), unique("[[status=500]]")
    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(model=MODEL, messages=ask(question))
    assert len(await platform.upstream_calls(question)) == 2


async def test_a_client_that_leaves_a_stream_closes_the_upstream_and_pays_for_what_came(
    platform: Platform, key: Key
) -> None:
    question = unique("[[stall]]")
    stream = await platform.client(key.text).chat.completions.create(model=MODEL, messages=ask(question), stream=True)
    text = ""
    async for chunk in stream:
        text += chunk.choices[0].delta.content or ""
        if len(text.split()) == 2:
            break
    await stream.close()
    await platform.upstream_closed(question)
    report = await platform.usage_of(key, 1, group_by="status")
    (row,) = report["data"]
    assert (row["status"], row["errors"], row["output_tokens"]) == ("aborted", 0, 2)
    assert Decimal(row["cost_usd"]) > 0


async def test_a_client_that_leaves_before_the_first_chunk_is_metered_as_well(platform: Platform, key: Key) -> None:
    question = unique("[[delay=0.3]] [[chunks=500]] [[pace=0.01]]")
    client = platform.client(key.text)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await client.chat.completions.create(model=MODEL, messages=ask(question), stream=True)
    await platform.upstream_closed(question)
    report = await platform.usage_of(key, 1, group_by="status")
    (row,) = report["data"]
    assert (row["status"], row["errors"]) == ("aborted", 0)
    assert row["input_tokens"] > 0


async def test_a_client_that_leaves_after_a_very_long_question_is_metered_as_well(platform: Platform, key: Key) -> None:
    question = unique("[[pace=0.05]]")
    stream = await platform.client(key.text).chat.completions.create(
        model=MODEL, messages=ask(question + " word" * 250_000), stream=True
    )
    await anext(stream)
    await stream.close()
    await platform.upstream_closed(question)
    report = await platform.usage_of(key, 1, group_by="status")
    (row,) = report["data"]
    assert row["status"] == "aborted"
    assert row["input_tokens"] >= 250_000


async def test_an_aborted_stream_is_not_cached(platform: Platform, key: Key) -> None:
    client, question = platform.client(key.text), unique("[[pace=0.02]]")
    left = await client.chat.completions.create(model=MODEL, messages=ask(question), stream=True)
    await anext(left)
    await left.close()
    await platform.upstream_closed(question)
    whole = await client.chat.completions.create(model=MODEL, messages=ask(question), stream=True)
    assert len([chunk async for chunk in whole]) > 20
