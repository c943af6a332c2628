"""The fake upstream, as the official client sees it."""

from collections.abc import AsyncIterator
from math import sumprod
from typing import Any

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk

from local.vendors.openai_answers import count_tokens
from local.vendors.openai_upstream import serve


@pytest.fixture
async def url() -> AsyncIterator[str]:
    runner, url = await serve()
    yield url
    await runner.cleanup()


@pytest.fixture
async def client(url: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=url, api_key="any", max_retries=0) as client:
        yield client


async def ask(client: AsyncOpenAI, text: str, **options: Any) -> Any:
    messages: Any = [{"role": "user", "content": text}]
    return await client.chat.completions.create(model="gpt-4o-mini", messages=messages, **options)


async def stream(client: AsyncOpenAI, text: str, **options: Any) -> list[ChatCompletionChunk]:
    return [chunk async for chunk in await ask(client, text, stream=True, **options)]


async def journal(url: str, name: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(url.replace("/v1", f"/_fake/{name}")) as response:
        return await response.json()


async def test_the_same_question_gets_the_same_answer_and_counts_its_tokens_truly(client: AsyncOpenAI) -> None:
    first, second, other = await ask(client, "Hello"), await ask(client, "Hello"), await ask(client, "Good evening")
    text = first.choices[0].message.content
    assert text == second.choices[0].message.content != other.choices[0].message.content
    assert first.usage.completion_tokens == count_tokens(text)
    assert first.usage.prompt_tokens == 3 + 3 + 1 + count_tokens("Hello")
    assert first.usage.total_tokens == first.usage.prompt_tokens + first.usage.completion_tokens


async def test_a_stream_says_the_same_as_a_plain_answer(client: AsyncOpenAI) -> None:
    plain = await ask(client, "Hello")
    chunks = await stream(client, "Hello", stream_options={"include_usage": True})
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == plain.choices[0].message.content
    assert (chunks[-1].choices, chunks[-1].usage) == ([], plain.usage)
    assert chunks[-2].choices[0].finish_reason == "stop"


async def test_usage_is_streamed_only_when_asked_for(client: AsyncOpenAI) -> None:
    assert all(chunk.usage is None and chunk.choices for chunk in await stream(client, "Hello"))


async def test_max_tokens_cuts_the_answer_and_says_so(client: AsyncOpenAI) -> None:
    answer = await ask(client, "Hello", max_tokens=5)
    assert (answer.usage.completion_tokens, answer.choices[0].finish_reason) == (5, "length")


async def test_n_answers_are_n_times_the_tokens(client: AsyncOpenAI) -> None:
    answer = await ask(client, "Hello", n=3, max_tokens=4)
    assert len({choice.message.content for choice in answer.choices}) == 3
    assert answer.usage.completion_tokens == 12
    chunks = await stream(client, "Hello", n=3, max_tokens=4)
    assert {choice.index for chunk in chunks for choice in chunk.choices} == {0, 1, 2}


async def test_cached_and_reasoning_tokens_are_reported_as_parts(client: AsyncOpenAI) -> None:
    usage = (await ask(client, f"{'word ' * 60}[[cached=40]] [[reasoning=16]]", max_tokens=4)).usage
    assert usage.prompt_tokens_details.cached_tokens == 40
    assert usage.completion_tokens_details.reasoning_tokens == 16
    assert usage.completion_tokens == 20


async def test_an_asked_for_number_of_chunks_comes(client: AsyncOpenAI) -> None:
    chunks = await stream(client, "[[chunks=50]]")
    assert sum(bool(chunk.choices[0].delta.content) for chunk in chunks) == 50


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, openai.RateLimitError), (500, openai.InternalServerError), (400, openai.BadRequestError)],
)
async def test_an_asked_for_status_is_the_sdks_own_error(
    client: AsyncOpenAI, status: int, error: type[openai.APIStatusError]
) -> None:
    with pytest.raises(error) as caught:
        await ask(client, f"[[status={status}]]")
    assert caught.value.status_code == status
    assert (caught.value.response.headers.get("retry-after") == "1") == (status == 429)


async def test_a_dropped_stream_ends_in_an_error_after_the_chunks_it_sent(client: AsyncOpenAI) -> None:
    answer = await ask(client, "[[drop_after=3]]", stream=True)
    for _ in range(3):
        await anext(answer)
    with pytest.raises(openai.APIConnectionError):
        await anext(answer)


async def test_a_dropped_plain_answer_is_a_connection_error(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.APIConnectionError):
        await ask(client, "[[drop_after=0]]")


async def test_a_caller_that_goes_during_a_stall_is_counted(client: AsyncOpenAI, url: str) -> None:
    answer = await ask(client, "[[stall]]", stream=True)
    received = [await anext(answer) for _ in range(3)]
    await answer.close()
    assert len(received) == 3
    assert await journal(url, "stats?aborted=1") == {"requests": 1, "aborted": 1}


async def test_a_caller_that_goes_in_the_middle_of_a_stream_is_counted(client: AsyncOpenAI, url: str) -> None:
    answer = await ask(client, "[[chunks=5000]] [[pace=0.001]]", stream=True)
    await anext(answer)
    await answer.close()
    assert (await journal(url, "stats?aborted=1"))["aborted"] == 1


async def test_usage_can_be_missing_and_an_answer_malformed(client: AsyncOpenAI) -> None:
    assert (await ask(client, "[[no_usage]]")).usage is None
    chunks = await stream(client, "[[no_usage]]", stream_options={"include_usage": True})
    assert all(chunk.usage is None for chunk in chunks)
    with pytest.raises((openai.APIError, ValueError)):
        await stream(client, "[[malformed]]")


async def test_embeddings_are_unit_vectors_of_the_asked_size(client: AsyncOpenAI) -> None:
    answer = await client.embeddings.create(model="text-embedding-3-small", input=["one", "two three"])
    assert [len(item.embedding) for item in answer.data] == [1536, 1536]
    assert sum(value * value for value in answer.data[0].embedding) == pytest.approx(1, abs=1e-5)
    assert answer.usage.prompt_tokens == count_tokens("one") + count_tokens("two three")
    small = await client.embeddings.create(
        model="text-embedding-3-large", input="one", dimensions=8, encoding_format="float"
    )
    assert len(small.data[0].embedding) == 8


async def test_embeddings_of_texts_that_share_words_are_similar(client: AsyncOpenAI) -> None:
    texts = ["how do I pay an invoice", "how do I pay this invoice", "what is a monad", "?!"]
    answer = await client.embeddings.create(model="text-embedding-3-small", input=texts, dimensions=384)
    question, near, far, _ = (item.embedding for item in answer.data)
    assert sumprod(question, near) > 0.7
    assert abs(sumprod(question, far)) < 0.3


async def test_an_unknown_model_a_missing_field_and_a_missing_key_are_refused_in_openais_shape(
    client: AsyncOpenAI, url: str
) -> None:
    with pytest.raises(openai.NotFoundError, match="gpt-9") as caught:
        await client.chat.completions.create(model="gpt-9", messages=[{"role": "user", "content": "x"}])
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as refused:
        await client.post("/chat/completions", body={"model": "gpt-4o"}, cast_to=object)
    assert refused.value.param == "messages"
    for content in (5, ["text"]):
        wrong = {"model": "gpt-4o", "messages": [{"role": "user", "content": content}]}
        with pytest.raises(openai.BadRequestError) as refused:
            await client.post("/chat/completions", body=wrong, cast_to=object)
        assert refused.value.param == "messages[0].content"
    async with aiohttp.ClientSession() as session, session.post(f"{url}/chat/completions", data=b"{") as response:
        assert response.status == 401


async def test_the_models_are_listed(client: AsyncOpenAI) -> None:
    names = {model.id async for model in client.models.list()}
    assert {"gpt-4o-mini", "gpt-4o", "gpt-4.1", "gpt-4.1-mini", "text-embedding-3-small"} <= names
    assert (await client.models.retrieve("gpt-4o")).id == "gpt-4o"


async def test_what_was_sent_can_be_read_back(client: AsyncOpenAI, url: str) -> None:
    await ask(client, "Hello", user="someone")
    (request,) = (await journal(url, "requests"))["requests"]
    assert request["headers"]["authorization"] == "Bearer any"
    assert request["body"]["user"] == "someone"


async def test_what_became_of_a_call_can_be_asked_by_what_it_was_about(client: AsyncOpenAI, url: str) -> None:
    left = await ask(client, "about cats [[stall]]", stream=True)
    await anext(left)
    (pending,) = (await journal(url, "requests?about=cats"))["requests"]
    await ask(client, "about dogs")
    await left.close()
    await journal(url, "stats?aborted=1&about=cats")
    (cats,) = (await journal(url, "requests?about=cats"))["requests"]
    (dogs,) = (await journal(url, "requests?about=dogs"))["requests"]
    assert (pending["outcome"], cats["outcome"], dogs["outcome"]) == ("pending", "aborted", "answered")
