"""Batches and deferred calls through the whole stack: gateway, outbox, bus, queue and worker."""

import asyncio
import json

from openai import AsyncOpenAI
from openai.types import Batch

from tests.e2e.platform import Platform, ask, unique

_ENDED = {"completed", "failed", "expired", "cancelled"}


async def ended(client: AsyncOpenAI, batch: str) -> Batch:
    """The batch when it has ended; TimeoutError after thirty seconds."""
    async with asyncio.timeout(30):
        while (found := await client.batches.retrieve(batch)).status not in _ENDED:  # noqa: ASYNC110 - as clients poll
            await asyncio.sleep(0.2)
    return found


async def test_a_batch_is_worked_through_and_its_usage_reported(platform: Platform) -> None:
    key = await platform.make_key()
    client = platform.client(key.text)
    lines = [
        {
            "custom_id": f"call-{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "gpt-4o-mini", "messages": ask(unique())},
        }
        for number in range(3)
    ]
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()

    file = await client.files.create(file=("calls.jsonl", content), purpose="batch")
    batch = await client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    found = await ended(client, batch.id)

    assert found.status == "completed", found
    assert found.output_file_id is not None
    answers = (await client.files.content(found.output_file_id)).text.splitlines()
    assert [json.loads(answer)["custom_id"] for answer in answers] == ["call-0", "call-1", "call-2"]
    report = await platform.usage_of(key, 3)
    assert report["totals"]["errors"] == 0


async def test_a_deferred_call_is_answered_later(platform: Platform) -> None:
    key = await platform.make_key()
    body = {"model": "gpt-4o-mini", "messages": ask(unique())}

    taken = await platform.call("POST", "/v1/chat/completions", api_key=key.text, json=body, x_llmo_defer="true")
    await ended(platform.client(key.text), taken.json()["id"])
    answer = await platform.call("GET", f"/v1/deferred/{taken.json()['id']}", api_key=key.text)

    assert (taken.status, answer.status) == (202, 200)
    assert answer.json()["object"] == "chat.completion"
