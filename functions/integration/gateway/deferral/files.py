"""The use cases of files."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from integration.gateway.deferral.models import KEPT, MOST_FILE_BYTES, Owner, Purpose, StoredFile, file_id_of
from integration.gateway.deferral_errors import NoRoomForFile, NoSuchFile
from llmo_core.clock import Clock
from llmo_core.ids import NewId


class Kept(Protocol):
    """What is known of files."""

    async def add(self, file: StoredFile) -> None:
        """Keep a file."""
        ...

    async def find(self, owner: Owner, file_id: UUID, *, now: datetime) -> StoredFile | None:
        """A file of the owner's project."""
        ...

    async def page(
        self, owner: Owner, *, purpose: str | None, after: UUID | None, limit: int, ascending: bool, now: datetime
    ) -> Sequence[StoredFile]:
        """At most `limit` files of the owner's project, behind the one with the id `after`."""
        ...

    async def delete(self, owner: Owner, file_id: UUID, *, now: datetime) -> bool:
        """Whether there was such a file; it is deleted."""
        ...

    async def bytes_kept(self, owner: Owner, *, now: datetime) -> int:
        """How many bytes the project's files have together."""
        ...


class Contents(Protocol):
    """What is in files. Everything raises FilesUnavailable."""

    async def put(self, org_id: UUID, file_id: UUID, content: bytes) -> None:
        """Keep a file's content. Safe to repeat."""
        ...

    async def write(self, org_id: UUID, file_id: UUID, content: AsyncIterator[bytes]) -> int:
        """Keep a content of any size; its bytes. Keeps nothing of an empty one."""
        ...

    async def get(self, org_id: UUID, file_id: UUID) -> bytes:
        """A file's content. Raises NoSuchFile."""
        ...

    async def read(self, org_id: UUID, file_id: UUID) -> AsyncIterator[bytes]:
        """A file's content as it arrives. Raises NoSuchFile before there is any."""
        ...

    async def delete(self, org_id: UUID, file_id: UUID) -> None:
        """Delete a file's content. Safe to repeat."""
        ...


class Files:
    """Files of projects: no other project sees them. A file lives for thirty days."""

    def __init__(self, *, kept: Kept, contents: Contents, clock: Clock, new_id: NewId) -> None:
        self._kept = kept
        self._contents = contents
        self._clock = clock
        self._new_id = new_id

    async def upload(self, owner: Owner, filename: str, content: bytes) -> StoredFile:
        """Keep a file of a customer's. Raises NoRoomForFile."""
        if await self._kept.bytes_kept(owner, now=self._clock.now()) + len(content) > MOST_FILE_BYTES:
            raise NoRoomForFile(MOST_FILE_BYTES)
        return await self.add(owner, filename, content)

    async def add(self, owner: Owner, filename: str, content: bytes, purpose: Purpose = Purpose.BATCH) -> StoredFile:
        """Keep a file: first what is in it, so that no file lacks its content."""
        file_id = self._new_id()
        await self._contents.put(owner.org_id, file_id, content)
        return await self.record(owner, file_id, filename, len(content), purpose)

    async def record(self, owner: Owner, file_id: UUID, filename: str, size: int, purpose: Purpose) -> StoredFile:
        """Keep what is known of a file whose content is kept already."""
        now = self._clock.now()
        whose = (owner.org_id, owner.project_id, owner.key_id)
        file = StoredFile(file_id, *whose, filename, size, purpose, now, now + KEPT)
        await self._kept.add(file)
        return file

    async def find(self, owner: Owner, name: str) -> StoredFile:
        """A file. Raises NoSuchFile."""
        found = await self._kept.find(owner, file_id_of(name), now=self._clock.now())
        if found is None:
            raise NoSuchFile(name)
        return found

    async def content(self, owner: Owner, name: str) -> tuple[StoredFile, bytes]:
        """A file with its content. Raises NoSuchFile."""
        file = await self.find(owner, name)
        return file, await self._contents.get(file.org_id, file.id)

    async def read(self, owner: Owner, name: str) -> tuple[StoredFile, AsyncIterator[bytes]]:
        """A file with its content as it arrives. Raises NoSuchFile."""
        file = await self.find(owner, name)
        return file, await self._contents.read(file.org_id, file.id)

    async def page(
        self, owner: Owner, *, purpose: str | None, after: str | None, limit: int, ascending: bool
    ) -> tuple[Sequence[StoredFile], bool]:
        """At most `limit` files behind another one, the newest first, and whether there are more."""
        behind = file_id_of(after) if after else None
        found = await self._kept.page(
            owner, purpose=purpose, after=behind, limit=limit + 1, ascending=ascending, now=self._clock.now()
        )
        return found[:limit], len(found) > limit

    async def delete(self, owner: Owner, name: str) -> None:
        """Delete a file and its content. Raises NoSuchFile."""
        file_id = file_id_of(name)
        if not await self._kept.delete(owner, file_id, now=self._clock.now()):
            raise NoSuchFile(name)
        await self._contents.delete(owner.org_id, file_id)
