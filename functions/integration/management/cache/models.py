"""Purges of the gateway's cache."""

from datetime import datetime
from uuid import UUID

from llmo_core.model import Model
from llmo_messaging.envelope import Event


class Purge(Model):
    """A time before which nothing is in the cache.

    Attributes:
        project_id: Of which project's answers; None of all.
        purged_by: A user, an API key or a service account.
    """

    id: UUID
    org_id: UUID
    project_id: UUID | None
    purged_by: UUID
    purged_at: datetime


class CachePurged(Event, name="llmo.integration.cache.purged"):
    """The gateway gives no answer any more that was stored until now; a `project_id` of None is all projects."""

    purge_id: UUID
    project_id: UUID | None
    purged_by: UUID

    @classmethod
    def of(cls, purge: Purge) -> "CachePurged":
        """Tell of a purge."""
        return cls(purge_id=purge.id, project_id=purge.project_id, purged_by=purge.purged_by)
