"""Files of exports in S3."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from analytics.exports.models import Format, Order, Part
from llmo_data.objects import Objects

MEDIA_TYPES: Final[Mapping[Format, str]] = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.NDJSON: "application/x-ndjson",
    Format.PARQUET: "application/vnd.apache.parquet",
}


class S3Files:
    """Everything raises ObjectsUnavailable.

    Args:
        client: Gives boto3's S3 client; one with the process's credentials where there is none.
    """

    def __init__(self, bucket: str, *, client: Callable[[], Any] | None = None) -> None:
        self._objects = {kind: Objects(bucket, media_type, client=client) for kind, media_type in MEDIA_TYPES.items()}

    async def put(self, order: Order, key: str, content: bytes) -> None:
        """Keep a file; safe to repeat."""
        await self._objects[order.format].put(key, content)

    async def link(self, order: Order, part: Part, filename: str, *, seconds: int) -> str:
        """An address from which the file can be fetched for so long, under this name."""
        return await self._objects[order.format].link(part.key, seconds=seconds, filename=filename)
