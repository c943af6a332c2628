"""Objects of one S3 bucket.

boto3 is imported with the first of them: most processes never see one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from llmo_core.errors import NotFound, Unavailable

_PART_BYTES: Final = 8 * 1024 * 1024
_CHUNK_BYTES: Final = 1024 * 1024


class NoSuchObject(NotFound):
    """There is nothing under this key."""


class ObjectsUnavailable(Unavailable):
    """S3 does not answer, or not as it should."""


class Objects:
    """Objects of a bucket. Everything raises ObjectsUnavailable.

    Args:
        bucket: Encrypts them.
        media_type: What all of them are.
        client: Gives boto3's S3 client.
    """

    def __init__(self, bucket: str, media_type: str, *, client: Callable[[], Any] | None = None) -> None:
        self._bucket = bucket
        self._media_type = media_type
        self._client = client or _s3

    async def put(self, key: str, content: bytes) -> None:
        """Keep a content. Safe to repeat."""
        await self._call("put_object", key, Body=content, ContentType=self._media_type)

    async def write(self, key: str, content: AsyncIterator[bytes]) -> int:
        """Keep a content of any size; its bytes. Keeps nothing of an empty one, nor of one that breaks off."""
        part, size = bytearray(), 0
        upload: _Upload | None = None
        try:
            async for piece in content:
                part += piece
                size += len(piece)
                if len(part) >= _PART_BYTES:
                    upload = upload or await self._begin(key)
                    await self._add(upload, bytes(part))
                    part.clear()
            if upload is None:
                if part:
                    await self.put(key, bytes(part))
                return size
            if part:
                await self._add(upload, bytes(part))
            parts = {"Parts": upload.parts}
            await self._call("complete_multipart_upload", key, UploadId=upload.id, MultipartUpload=parts)
        except BaseException:
            if upload is not None:
                await self._call("abort_multipart_upload", key, UploadId=upload.id)
            raise
        return size

    async def get(self, key: str) -> bytes:
        """A content. Raises NoSuchObject."""
        return b"".join([chunk async for chunk in await self.read(key)])

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """A content as it arrives. Raises NoSuchObject before there is any."""
        return _chunks((await self._call("get_object", key))["Body"])

    async def exists(self, key: str) -> bool:
        """Whether there is a content."""
        try:
            await self._call("head_object", key)
        except NoSuchObject:
            return False
        return True

    async def link(self, key: str, *, seconds: int, filename: str) -> str:
        """An address from which anybody who has it can fetch a content for so long, under the name of a file."""
        client = await asyncio.to_thread(self._client)
        details = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentType": self._media_type,
            "ResponseContentDisposition": f'attachment; filename="{filename}"',
        }
        link: str = await asyncio.to_thread(
            client.generate_presigned_url, "get_object", Params=details, ExpiresIn=seconds
        )
        return link

    async def delete(self, key: str) -> None:
        """Delete a content. Safe to repeat."""
        await self._call("delete_object", key)

    async def _begin(self, key: str) -> "_Upload":
        begun = await self._call("create_multipart_upload", key, ContentType=self._media_type)
        return _Upload(key, begun["UploadId"])

    async def _add(self, upload: "_Upload", part: bytes) -> None:
        number = len(upload.parts) + 1
        added = await self._call("upload_part", upload.key, UploadId=upload.id, PartNumber=number, Body=part)
        upload.parts.append({"PartNumber": number, "ETag": added["ETag"]})

    async def _call(self, operation: str, key: str, **details: object) -> Any:  # noqa: ANN401 - boto3's
        client = await asyncio.to_thread(self._client)
        where = {"Bucket": self._bucket, "Key": key}
        try:
            return await asyncio.to_thread(lambda: getattr(client, operation)(**where, **details))
        except client.exceptions.NoSuchKey as error:
            raise NoSuchObject(key) from error
        except client.exceptions.ClientError as error:  # HEAD has no body that could name the error
            if error.response["Error"]["Code"] == "404":
                raise NoSuchObject(key) from error
            raise ObjectsUnavailable from error
        except Exception as error:
            raise ObjectsUnavailable from error


@dataclass(frozen=True, slots=True)
class _Upload:
    """A content that is kept part by part: of at least 5 MiB each but the last, which S3 wants."""

    key: str
    id: str
    parts: list[dict[str, Any]] = field(default_factory=list)


async def _chunks(body: Any) -> AsyncIterator[bytes]:  # noqa: ANN401 - boto3's
    try:
        while chunk := await asyncio.to_thread(body.read, _CHUNK_BYTES):
            yield chunk
    except Exception as error:
        raise ObjectsUnavailable from error
    finally:
        body.close()


@cache
def _s3() -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
    import boto3  # noqa: PLC0415 - a quarter of a second, which most processes never spend
    from botocore.config import Config  # noqa: PLC0415 - as above

    # boto3 would sign links by version 2, which S3 refuses for what a key of KMS encrypts:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    return boto3.client("s3", config=Config(signature_version="s3v4"))
