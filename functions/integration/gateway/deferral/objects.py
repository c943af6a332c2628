"""The contents of files, in one bucket of S3, as `files/<organization>/<file>`.

boto3 is imported with the first file: most processes of the gateway never see one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from uuid import UUID

from integration.gateway.deferral_errors import FilesUnavailable, NoSuchFile

_MEDIA_TYPE: Final = "application/jsonl"
_PART_BYTES: Final = 8 * 1024 * 1024
_CHUNK_BYTES: Final = 1024 * 1024


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
        await self._call("put_object", org_id, file_id, Body=content, ContentType=_MEDIA_TYPE)

    async def write(self, org_id: UUID, file_id: UUID, content: AsyncIterator[bytes]) -> int:
        """Keep a content of any size; its bytes. Keeps nothing of an empty one. Raises FilesUnavailable."""
        part, size = bytearray(), 0
        upload: _Upload | None = None
        try:
            async for piece in content:
                part += piece
                size += len(piece)
                if len(part) >= _PART_BYTES:
                    upload = upload or await self._begin(org_id, file_id)
                    await self._add(upload, bytes(part))
                    part.clear()
            if upload is None:
                if part:
                    await self.put(org_id, file_id, bytes(part))
                return size
            if part:
                await self._add(upload, bytes(part))
            parts = {"Parts": upload.parts}
            await self._call("complete_multipart_upload", *upload.whose, UploadId=upload.id, MultipartUpload=parts)
        except BaseException:
            if upload is not None:
                await self._call("abort_multipart_upload", *upload.whose, UploadId=upload.id)
            raise
        return size

    async def _begin(self, org_id: UUID, file_id: UUID) -> "_Upload":
        begun = await self._call("create_multipart_upload", org_id, file_id, ContentType=_MEDIA_TYPE)
        return _Upload((org_id, file_id), begun["UploadId"])

    async def _add(self, upload: "_Upload", part: bytes) -> None:
        number = len(upload.parts) + 1
        added = await self._call("upload_part", *upload.whose, UploadId=upload.id, PartNumber=number, Body=part)
        upload.parts.append({"PartNumber": number, "ETag": added["ETag"]})

    async def get(self, org_id: UUID, file_id: UUID) -> bytes:
        """A file's content. Raises FilesUnavailable, and NoSuchFile when it is gone."""
        return b"".join([chunk async for chunk in await self.read(org_id, file_id)])

    async def read(self, org_id: UUID, file_id: UUID) -> AsyncIterator[bytes]:
        """A file's content as it arrives. Raises FilesUnavailable, and NoSuchFile when it is gone."""
        answer = await self._call("get_object", org_id, file_id)
        return _chunks(answer["Body"])

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


@dataclass(frozen=True, slots=True)
class _Upload:
    """A content that is kept part by part: of at least 5 MiB each but the last, which S3 wants."""

    whose: tuple[UUID, UUID]
    id: str
    parts: list[dict[str, Any]] = field(default_factory=list)


async def _chunks(body: Any) -> AsyncIterator[bytes]:  # noqa: ANN401 - boto3's
    try:
        while chunk := await asyncio.to_thread(body.read, _CHUNK_BYTES):
            yield chunk
    except Exception as error:
        raise FilesUnavailable from error
    finally:
        body.close()


@cache
def _s3() -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
    import boto3  # noqa: PLC0415 - a quarter of a second, which most processes never spend

    return boto3.client("s3")
