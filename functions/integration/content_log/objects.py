"""Contents of calls, in one bucket of S3.

They stand below how long they are kept, `contents/<days>d/<organization>/<call>`: the bucket's own rules delete them.
"""

from uuid import UUID

import orjson

from llmo_core.model import Model
from llmo_data.objects import Objects

_PREFIX = "contents"


class Content(Model):
    """What was said in a call; see ContentRecorded."""

    request: str | None
    response: str | None
    cut: list[str]


class S3CallContents:
    """Contents of calls. Everything raises ObjectsUnavailable."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def put(self, org_id: UUID, call_id: UUID, retention_days: int, content: Content) -> None:
        """Keep a content. Safe to repeat."""
        await self._objects.put(_key(org_id, call_id, retention_days), orjson.dumps(content.model_dump()))

    async def get(self, org_id: UUID, call_id: UUID, retention_days: int) -> Content:
        """A content. Raises NoSuchObject."""
        return Content.model_validate_json(await self._objects.get(_key(org_id, call_id, retention_days)))

    async def delete(self, org_id: UUID, call_id: UUID, retention_days: int) -> None:
        """Delete a content. Safe to repeat."""
        await self._objects.delete(_key(org_id, call_id, retention_days))


def _key(org_id: UUID, call_id: UUID, retention_days: int) -> str:
    return f"{_PREFIX}/{retention_days}d/{org_id}/{call_id}"
