"""Files and batches of providers that have them as OpenAI does.

Over the gateway's own sessions rather than with the openai SDK: only those reach no address that is not allowed for
organizations' connections (docs/adr/0024).
"""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, Protocol

import orjson

from integration.gateway.destinations import Connection
from integration.gateway.endpoints.request import JSON
from integration.gateway.errors import UpstreamBroken

_BOUNDARY: Final = "llmo-batch-7d1f0c2a9b"  # stands in no line: JSON text has no such line of its own
_LISTED: Final = 100
_MOST_PAGES: Final = 20
_MOST_LINE_BYTES: Final = 64_000_000  # see weights.MOST_INPUTS_HANDED_OVER
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")

type Json = dict[str, Any]


class Upstream(Protocol):
    """Asks providers."""

    async def ask(
        self, method: str, path: str, connection: Connection | None, body: bytes | None = None, media_type: str = JSON
    ) -> bytes:
        """A provider's whole answer to something that is no call to a model. Raises the Upstream errors."""
        ...

    def content(self, method: str, path: str, connection: Connection | None) -> AsyncIterator[bytes]:
        """The same as it arrives, of any size."""
        ...


class ProviderApi:
    """What a provider is asked about batches; None is the deployment's own. Everything raises the Upstream errors."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def upload(self, connection: Connection | None, content: bytes) -> str:
        """The provider's id of a new file for a batch."""
        disposition = 'Content-Disposition: form-data; name="{}"'
        head = [
            f"--{_BOUNDARY}",
            disposition.format("purpose"),
            "",
            "batch",
            f"--{_BOUNDARY}",
            disposition.format("file") + '; filename="batch.jsonl"',
            f"Content-Type: {JSON}l",
            "",
            "",
        ]
        body = "\r\n".join(head).encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
        media_type = f"multipart/form-data; boundary={_BOUNDARY}"
        return _id(await self._upstream.ask("POST", "/files", connection, body, media_type))

    async def create(
        self, connection: Connection | None, file_id: str, endpoint: str, metadata: Mapping[str, str]
    ) -> str:
        """The provider's id of a new batch."""
        wanted = {"input_file_id": file_id, "endpoint": endpoint, "completion_window": "24h", "metadata": metadata}
        return _id(await self._upstream.ask("POST", "/batches", connection, orjson.dumps(wanted)))

    async def made_of(self, connection: Connection | None, file_id: str) -> str | None:
        """The provider's id of the batch that was made of a file, if it is among its last two thousand."""
        after = ""
        for _ in range(_MOST_PAGES):
            page = _read(await self._upstream.ask("GET", f"/batches?limit={_LISTED}{after}", connection))
            data = page.get("data")
            known = [each for each in data if _has_id(each)] if isinstance(data, list) else []
            for batch in known:
                if batch.get("input_file_id") == file_id:
                    return str(batch["id"])
            if not known or page.get("has_more") is not True:
                break
            after = f"&after={known[-1]['id']}"
        return None

    async def find(self, connection: Connection | None, batch_id: str) -> Json:
        """A batch as it is now."""
        return _read(await self._upstream.ask("GET", f"/batches/{batch_id}", connection))

    async def cancel(self, connection: Connection | None, batch_id: str) -> None:
        """Have a batch cancelled."""
        await self._upstream.ask("POST", f"/batches/{batch_id}/cancel", connection, b"{}")

    async def lines(self, connection: Connection | None, file_id: str) -> AsyncIterator[tuple[Json, int]]:
        """The objects in a file of JSON lines, with their bytes; without lines that are none or too long to be any."""
        if not _ID.fullmatch(file_id):
            raise UpstreamBroken("The model provider's batch names no file.")
        async for raw in split_lines(self._upstream.content("GET", f"/files/{file_id}/content", connection)):
            try:
                line: Any = orjson.loads(raw)
            except orjson.JSONDecodeError:
                continue
            if isinstance(line, dict):
                yield line, len(raw)


async def split_lines(chunks: AsyncIterator[bytes], *, most_bytes: int = _MOST_LINE_BYTES) -> AsyncIterator[bytes]:
    """The lines of a text that comes in pieces, without those that are longer than so many bytes."""
    begun: bytearray | None = bytearray()  # None in the middle of a longer one
    async for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for piece in ends:
            if begun is not None and len(begun) + len(piece) <= most_bytes:
                yield bytes(begun + piece)
            begun = bytearray()
        if begun is not None:
            begun += rest
            if len(begun) > most_bytes:
                begun = None
    if begun:
        yield bytes(begun)


def _has_id(batch: object) -> bool:
    return isinstance(batch, dict) and isinstance(batch.get("id"), str) and bool(_ID.fullmatch(batch["id"]))


def _id(answer: bytes) -> str:
    found = _read(answer).get("id")
    if not isinstance(found, str) or not _ID.fullmatch(found):  # it becomes a part of URLs
        raise UpstreamBroken("The model provider's answer has no id.")
    return found


def _read(answer: bytes) -> Json:
    try:
        found = orjson.loads(answer)
    except orjson.JSONDecodeError as error:
        raise UpstreamBroken("The model provider's answer is not JSON.") from error
    if not isinstance(found, dict):
        raise UpstreamBroken("The model provider's answer is not a JSON object.")
    return found
