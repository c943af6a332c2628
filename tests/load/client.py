"""A closed-loop load client over bare sockets: it costs little, so that what is measured is the server."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_AS_LETTERS = str.maketrans("0123456789-", "abcdefghijk")


@dataclass(frozen=True)
class Load:
    """One level of load.

    Attributes:
        unique: Every prompt differs, so that no cache can answer.
        worded: The prompts are questions with a temperature of zero that differ in a word of letters alone.
        embeds: It asks for embeddings; else for chat completions.
        requests: How many requests in all; the test is bounded by them, not by time.
    """

    url: str
    connections: int
    requests: int
    stream: bool = False
    unique: bool = True
    key: str = "none"
    worded: bool = False
    embeds: bool = False


@dataclass
class Timings:
    """Seconds, one entry per request; `first` is the first event of a stream."""

    whole: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    seconds: float = 0.0


async def run(load: Load) -> Timings:
    """Send the requests and time them; any answer but a complete 200 is an error."""
    timings = Timings()
    tickets = iter(range(load.requests))
    started = time.perf_counter()
    await asyncio.gather(*(_work(load, tickets, timings) for _ in range(load.connections)))
    timings.seconds = time.perf_counter() - started
    return timings


async def _work(load: Load, tickets: Iterator[int], timings: Timings) -> None:
    url = urlsplit(load.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port, limit=1 << 20)
    salt = time.time_ns()
    for ticket in tickets:
        nonce = f" nonce {salt}-{ticket}"
        request = _request(load, (nonce.translate(_AS_LETTERS) if load.worded else nonce) if load.unique else "")
        started = time.perf_counter()
        writer.write(request)
        first, body = await _read(reader)
        ended = time.perf_counter()
        complete = b"[DONE]" in body if load.stream else b'"embedding"' in body or b'"choices"' in body
        if not complete:
            raise RuntimeError(f"unexpected answer: {body[:300]!r}")
        timings.whole.append(ended - started)
        timings.first.append(first - started)
    writer.close()
    await writer.wait_closed()


def _request(load: Load, nonce: str) -> bytes:
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Say hello in twenty words." + nonce},
    ]
    call: dict[str, Any] = {
        "model": "gpt-4o-mini",
        "messages": messages,
        "max_tokens": 64,
        **({"temperature": 0} if load.worded else {}),
    }
    if load.embeds:
        call = {"model": "text-embedding-3-small", "input": "Say hello in twenty words." + nonce}
    body = json.dumps({**call, "stream": True} if load.stream else call).encode()
    url = urlsplit(load.url)
    head = (
        f"POST {url.path} HTTP/1.1\r\nhost: {url.netloc}\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {load.key}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _read(reader: asyncio.StreamReader) -> tuple[float, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        return time.perf_counter(), head + await reader.readexactly(size)
    if b"transfer-encoding: chunked" not in head:
        size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(size)
        return time.perf_counter(), body
    first, parts = 0.0, []
    while size := int(await reader.readline(), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
        if not first and b"data:" in parts[-1]:
            first = time.perf_counter()
    await reader.readexactly(2)
    return first, b"".join(parts)
