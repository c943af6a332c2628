"""Bodies about purges."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from integration.management.cache.models import Purge
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after


class CreatePurge(Model):
    """What to forget."""

    project_id: UUID | None = Field(None, description="The answers of this project; null: of all projects.")


class PurgeOut(Model):
    """A purge: no answer is given any more that was stored before."""

    id: UUID
    project_id: UUID | None
    purged_by: UUID
    purged_at: datetime

    @classmethod
    def of(cls, purge: Purge) -> Self:
        """Show a purge."""
        return cls(**purge.model_dump(exclude={"org_id"}))


class PurgePage(Model):
    """Some purges, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[PurgeOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Purge]) -> Self:
        """Show a page."""
        return cls(data=[PurgeOut.of(purge) for purge in page.data], next_cursor=cursor_after(page.last))
