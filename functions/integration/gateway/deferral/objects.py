"""The contents of files, in one bucket of S3, as `files/<organization>/<file>`."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from integration.gateway.deferral_errors import FilesUnavailable, NoSuchFile
from llmo_data.objects import NoSuchObject, Objects, ObjectsUnavailable


class S3Contents:
    """Contents of files. Everything raises FilesUnavailable.

    Args:
        bucket: Encrypts them, and deletes them when they are older than any file is kept.
        client: Gives boto3's S3 client.
    """

    def __init__(self, bucket: str, *, client: Callable[[], Any] | None = None) -> None:
        self._objects = Objects(bucket, "application/jsonl", client=client)

    async def put(self, org_id: UUID, file_id: UUID, content: bytes) -> None:
        """Keep a file's content. Safe to repeat."""
        with _of_files():
            await self._objects.put(_key(org_id, file_id), content)

    async def write(self, org_id: UUID, file_id: UUID, content: AsyncIterator[bytes]) -> int:
        """Keep a content of any size; its bytes. Keeps nothing of an empty one, nor of one that breaks off."""
        with _of_files():
            return await self._objects.write(_key(org_id, file_id), content)

    async def get(self, org_id: UUID, file_id: UUID) -> bytes:
        """A file's content. Raises NoSuchFile when it is gone."""
        with _of_files():
            return await self._objects.get(_key(org_id, file_id))

    async def read(self, org_id: UUID, file_id: UUID) -> AsyncIterator[bytes]:
        """A file's content as it arrives. Raises NoSuchFile when it is gone."""
        with _of_files():
            return _chunks(await self._objects.read(_key(org_id, file_id)))

    async def delete(self, org_id: UUID, file_id: UUID) -> None:
        """Delete a file's content. Safe to repeat."""
        with _of_files():
            await self._objects.delete(_key(org_id, file_id))


def _key(org_id: UUID, file_id: UUID) -> str:
    return f"files/{org_id}/{file_id}"


async def _chunks(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    with _of_files():
        async for chunk in content:
            yield chunk


@contextmanager
def _of_files() -> Iterator[None]:
    try:
        yield
    except NoSuchObject as error:
        raise NoSuchFile(error.detail or "") from error
    except ObjectsUnavailable as error:
        raise FilesUnavailable from error
