"""Files and batches of tests: with contents on moto's S3, and the worker at hand."""

import json
from typing import Any

from openai import AsyncOpenAI

from tests.integration.gateway.conftest import HELLO


def line(custom_id: str, *, url: str = "/v1/chat/completions", method: str = "POST", **body: Any) -> dict[str, Any]:
    """A line of a batch."""
    call = {"model": "gpt-4o-mini", "messages": HELLO, **body}
    return {"custom_id": custom_id, "method": method, "url": url, "body": call}


def jsonl(*lines: dict[str, Any]) -> bytes:
    """A file of lines."""
    return b"".join(json.dumps(each).encode() + b"\n" for each in lines)


async def upload(client: AsyncOpenAI, content: bytes, name: str = "calls.jsonl") -> str:
    """The id of a file that is uploaded."""
    return (await client.files.create(file=(name, content), purpose="batch")).id
