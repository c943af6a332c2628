"""The fake upstream's files and batches, with OpenAI's own client."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI
from openai.types import Batch

from local.vendors.openai_upstream import serve


@pytest_asyncio.fixture
async def client() -> AsyncIterator[AsyncOpenAI]:
    runner, url = await serve()
    made = AsyncOpenAI(base_url=url, api_key="any", max_retries=0)
    # The first count of tokens loads the encoding, which takes longer than a small batch does.
    await made.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hello"}])
    yield made
    await made.close()
    await runner.cleanup()


async def batch_of(client: AsyncOpenAI, *texts: str) -> Batch:
    lines = [
        {
            "custom_id": f"{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]},
        }
        for number, text in enumerate(texts)
    ]
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    file = await client.files.create(file=("calls.jsonl", content), purpose="batch")
    return await client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")


async def ended(client: AsyncOpenAI, batch: Batch) -> Batch:
    async with asyncio.timeout(5):
        while batch.status not in {"completed", "cancelled"}:
            batch = await client.batches.retrieve(batch.id)
    return batch


async def lines_of(client: AsyncOpenAI, file: str | None) -> list[dict[str, Any]]:
    assert file is not None
    return [json.loads(line) for line in (await client.files.content(file)).text.splitlines()]


async def test_a_batch_is_done_with_its_failures_apart(client: AsyncOpenAI) -> None:
    batch = await ended(client, await batch_of(client, "hello", "[[status=429]]", "[[drop_after=0]]"))

    assert batch.status == "completed"
    assert [line["custom_id"] for line in await lines_of(client, batch.output_file_id)] == ["0"]
    errors = await lines_of(client, batch.error_file_id)
    assert [line["response"]["status_code"] for line in errors] == [429, 500]
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 3, "completed": 1, "failed": 2}
    assert [each.id for each in (await client.batches.list()).data] == [batch.id]


async def test_a_batch_that_takes_its_time_can_be_polled(client: AsyncOpenAI) -> None:
    batch = await batch_of(client, "[[delay=0.4]]")

    assert batch.status == "in_progress"
    assert (await ended(client, batch)).status == "completed"


async def test_a_batch_that_never_ends_is_ended_by_cancelling(client: AsyncOpenAI) -> None:
    batch = await batch_of(client, "done", "[[stall]]")

    cancelling = await client.batches.cancel(batch.id)
    batch = await ended(client, batch)

    assert cancelling.status == "cancelling"
    assert len(await lines_of(client, batch.output_file_id)) == 1
    with pytest.raises(openai.ConflictError):
        await client.batches.cancel(batch.id)


async def test_batches_fail_or_are_refused_when_they_say_so(client: AsyncOpenAI) -> None:
    failed = await batch_of(client, "[[batch=failed]]")

    assert failed.status == "failed"
    assert failed.errors is not None
    with pytest.raises(openai.BadRequestError):
        await batch_of(client, "[[batch=refused]]")
    with pytest.raises(openai.NotFoundError):
        await client.batches.retrieve("batch_unknown")
    with pytest.raises(openai.NotFoundError):
        await client.files.content("file-unknown")
