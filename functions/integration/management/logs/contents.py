"""Contents of calls in S3, as the content log keeps them."""

from collections.abc import Sequence

from integration.content_log.objects import S3CallContents
from integration.management.logs.models import Contents, ContentsUnavailable, LoggedCall
from llmo_data.objects import NoSuchObject, ObjectsUnavailable


class KeptContents:
    """Contents. Everything raises ContentsUnavailable."""

    def __init__(self, objects: S3CallContents) -> None:
        self._objects = objects

    async def get(self, call: LoggedCall) -> Contents | None:
        """What was said in a call; None when it is not there, or not yet."""
        try:
            found = await self._objects.get(call.org_id, call.id, call.retention_days)
        except NoSuchObject:
            return None
        except ObjectsUnavailable as error:
            raise ContentsUnavailable from error
        return Contents(**found.model_dump())

    async def delete(self, calls: Sequence[LoggedCall]) -> None:
        """Delete contents. Safe to repeat."""
        for call in calls:
            try:
                await self._objects.delete(call.org_id, call.id, call.retention_days)
            except ObjectsUnavailable as error:
                raise ContentsUnavailable from error
