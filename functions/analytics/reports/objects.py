"""Files of reports in S3."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from analytics.reports.models import File, Format
from llmo_data.objects import Objects

MEDIA_TYPES: Final[Mapping[Format, str]] = {
    Format.PDF: "application/pdf",
    Format.PNG: "image/png",
    Format.CSV: "text/csv; charset=utf-8",
    Format.PARQUET: "application/vnd.apache.parquet",
}


class S3Files:
    """Everything raises ObjectsUnavailable.

    Args:
        client: Gives boto3's S3 client; one with the process's credentials where there is none.
    """

    def __init__(self, bucket: str, *, client: Callable[[], Any] | None = None) -> None:
        self._objects = {kind: Objects(bucket, media_type, client=client) for kind, media_type in MEDIA_TYPES.items()}

    async def put(self, kind: Format, key: str, content: bytes) -> None:
        """Keep a file; safe to repeat."""
        await self._objects[kind].put(key, content)

    async def link(self, file: File, *, seconds: int) -> str:
        """An address from which a file can be fetched for so long, under its name."""
        return await self._objects[file.format].link(file.key, seconds=seconds, filename=file.name)
