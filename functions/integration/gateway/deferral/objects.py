"""The contents of files, in one bucket of S3, as `files/<organization>/<file>`.

boto3 is imported with the first file: most processes of the gateway never see one.
"""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID

from integration.gateway.errors import FilesUnavailable, NoSuchFile


class S3Contents:
    """Contents of files.

    Args:
        bucket: Encrypts them, and deletes them when they are older than any file is kept.
        client: Gives boto3's S3 client.
    """

    def __init__(self, bucket: str, *, client: Callable[[], Any] | None = None) -> None:
        self._bucket = bucket
        self._client = client or _s3

    async def put(self, org_id: UUID, file_id: UUID, content: bytes) -> None:
        """Keep a file's content. Safe to repeat. Raises FilesUnavailable."""
        await self._call("put_object", org_id, file_id, Body=content, ContentType="application/jsonl")

    async def get(self, org_id: UUID, file_id: UUID) -> bytes:
        """A file's content. Raises FilesUnavailable, and NoSuchFile when it is gone."""
        answer = await self._call("get_object", org_id, file_id)
        try:
            content: bytes = await asyncio.to_thread(answer["Body"].read)
        except Exception as error:
            raise FilesUnavailable from error
        return content

    async def delete(self, org_id: UUID, file_id: UUID) -> None:
        """Delete a file's content. Safe to repeat. Raises FilesUnavailable."""
        await self._call("delete_object", org_id, file_id)

    async def _call(self, operation: str, org_id: UUID, file_id: UUID, **details: object) -> Any:  # noqa: ANN401 - boto3's
        client = await asyncio.to_thread(self._client)
        where = {"Bucket": self._bucket, "Key": f"files/{org_id}/{file_id}"}
        try:
            return await asyncio.to_thread(lambda: getattr(client, operation)(**where, **details))
        except client.exceptions.NoSuchKey as error:
            raise NoSuchFile(str(file_id)) from error
        except Exception as error:
            raise FilesUnavailable from error


@cache
def _s3() -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
    import boto3  # noqa: PLC0415 - a quarter of a second, which most processes never spend

    return boto3.client("s3")
