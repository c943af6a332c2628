"""Files and batches of tests: with contents on moto's S3, and the worker at hand."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from openai import AsyncOpenAI
from openai.types import Batch

from integration.gateway.deferral.models import batch_id_of
from integration.gateway.deferral.wiring import WorkerWired
from integration.gateway.wiring import Wired
from tests.integration.gateway.platform import HELLO, Platform
from tests.integration.organizations import Org


def line(custom_id: str, *, url: str = "/v1/chat/completions", method: str = "POST", **body: Any) -> dict[str, Any]:
    """A line of a batch."""
    call = {"model": "single", "messages": HELLO, **body}
    return {"custom_id": custom_id, "method": method, "url": url, "body": call}


def jsonl(*lines: dict[str, Any]) -> bytes:
    """A file of lines."""
    return b"".join(json.dumps(each).encode() + b"\n" for each in lines)


async def upload(client: AsyncOpenAI, content: bytes, name: str = "calls.jsonl") -> str:
    """The id of a file that is uploaded."""
    return (await client.files.create(file=(name, content), purpose="batch")).id


class Deferring:
    """The worker, over the stores of a running gateway."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        secret = platform.secrets.__getitem__
        self.wired = Wired(platform.settings, secret=secret, clock=platform.clock)
        self.worker = WorkerWired(self.wired).worker

    async def advance(self, org: Org, batch: str) -> None:
        """Move one batch on as far as it goes."""
        await self.worker.advance(org.org_id, batch_id_of(batch))

    async def batch(self, org: Org, content: bytes, *, endpoint: Any = "/v1/chat/completions", **more: Any) -> str:
        """The id of a new batch of these lines."""
        client = self._platform.client(org)
        file = await upload(client, content)
        made = await client.batches.create(input_file_id=file, endpoint=endpoint, completion_window="24h", **more)
        return made.id

    async def ended(self, org: Org, content: bytes, **more: Any) -> Batch:
        """A batch of these lines, moved on as far as it goes."""
        name = await self.batch(org, content, **more)
        await self.advance(org, name)
        return await self._platform.client(org).batches.retrieve(name)

    async def lines(self, org: Org, file: str | None) -> dict[str, Any]:
        """The lines of an output or error file by their custom ids."""
        if file is None:
            return {}
        content = (await self._platform.client(org).files.content(file)).content
        return {each["custom_id"]: each for each in map(json.loads, content.splitlines())}


def failing_once(
    work: Callable[..., Awaitable[Any]],
    error: Exception,
    *,
    when: Callable[[Mapping[str, Any]], bool] = lambda _: True,
) -> Callable[..., Awaitable[Any]]:
    """The same, but the first time that its named arguments are such it fails instead."""
    left = [error]

    async def fails(*arguments: Any, **named: Any) -> Any:
        if left and when(named):
            raise left.pop()
        return await work(*arguments, **named)

    return fails
