"""The fixed upstream of the benchmarks: prepared answers over a bare asyncio protocol, so that it costs little.

`POST /v1/chat/completions` answers a completion, or 102 chunks when the body asks for a stream;
`POST /v1/embeddings` one vector, whatever the text is. `POST /` takes PutEvents and GetSecretValue, so that the gateway
under test needs no other AWS. `python -m tests.load.upstream PORT`.
"""

import asyncio
import json
import os
import sys
from typing import Any, cast

import uvloop

CHUNKS = 100
_USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": CHUNKS,
    "total_tokens": 20 + CHUNKS,
    "prompt_tokens_details": {"cached_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}
_TEXT = "".join(f" word{number}" for number in range(CHUNKS))


def _http(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    return head + body


def _completion() -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": _TEXT}, "finish_reason": "stop"}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini", "choices": [choice]}
    return _http(json.dumps({**body, "usage": _USAGE}).encode())


def _chunk(choices: list[dict[str, Any]], usage: dict[str, Any] | None) -> bytes:
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
    text = json.dumps({**body, "choices": choices, "usage": usage}, separators=(",", ":"))
    data = b"data: " + text.encode() + b"\n\n"
    return b"%x\r\n" % len(data) + data + b"\r\n"


def _delta(text: str) -> bytes:
    return _chunk([{"index": 0, "delta": {"content": text}, "finish_reason": None}], None)


def _done() -> bytes:
    return b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


def _embedding() -> bytes:
    vector = [round(0.1 * (-1) ** (place // 3), 8) for place in range(384)]
    data = [{"object": "embedding", "index": 0, "embedding": vector}]
    usage = {"prompt_tokens": 12, "total_tokens": 12}
    return _http(
        json.dumps({"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage}).encode()
    )


COMPLETION = _completion()
EMBEDDING = _embedding()
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
STREAM = [STREAM_HEAD + _delta(""), *(_delta(f" word{number}") for number in range(CHUNKS))]
STREAM_END = _chunk([], _USAGE) + _done()


class Upstream(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._streams: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every complete request in the buffer."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(self._buffer) < end + 4 + size:
                return
            body = self._buffer[end + 4 : end + 4 + size]
            self._buffer = self._buffer[end + 4 + size :]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        assert self._transport is not None
        if b"events.putevents" in head:
            entries = body.count(b'"DetailType"')
            taken = json.dumps({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}] * entries})
            self._transport.write(_http(taken.encode()))
        elif b"getsecretvalue" in head:
            name = json.loads(body)["SecretId"]
            self._transport.write(_http(json.dumps({"SecretString": os.environ[f"SECRET_{name}"]}).encode()))
        elif b"/embeddings" in head:
            self._transport.write(EMBEDDING)
        elif b'"stream":true' in body or b'"stream": true' in body:
            task = asyncio.ensure_future(self._stream())
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)
        else:
            self._transport.write(COMPLETION)

    async def _stream(self) -> None:
        """A hundred chunks in ten writes, each in its own turn of the loop."""
        assert self._transport is not None
        self._transport.write(STREAM[0])
        for start in range(1, len(STREAM), 10):
            await asyncio.sleep(0)
            self._transport.write(b"".join(STREAM[start : start + 10]))
        await asyncio.sleep(0)
        self._transport.write(STREAM_END)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
