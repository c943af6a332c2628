"""What every area of the management API speaks of."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from llmo_core.errors import Conflict, Stale
from llmo_core.model import Model


class NameTaken(Conflict):
    """The organization has a model or a route of this name already."""


class ChangedMeanwhile(Stale):
    """It has another version by now: read it again, and decide anew."""


class InUse(Conflict):
    """Something else refers to it."""


class Versioned(Model):
    """Something that an organization set up.

    Attributes:
        version: 1, and one more with each change.
    """

    org_id: UUID
    version: int = 1

    def require_version(self, expected: Collection[int] | None) -> None:
        """Raise ChangedMeanwhile unless the version is one of these; None are all."""
        if expected is not None and self.version not in expected:
            raise ChangedMeanwhile


class Configured(Versioned):
    """One of several things of a kind that an organization set up.

    Attributes:
        created_by: A user, an API key or a service account.
    """

    id: UUID
    name: str
    created_by: UUID
    created_at: datetime
    updated_at: datetime

    def changed(self, at: datetime, **values: Any) -> Self:  # noqa: ANN401 - whatever the fields hold
        """The next version, with these fields."""
        return self.model_copy(update={**values, "version": self.version + 1, "updated_at": at})


def listed(names: Sequence[str]) -> str:
    """Names for people: the first ones, and how many others there are."""
    most = 5
    others = len(names) - most
    return ", ".join(names[:most]) + (f" and {others} more" if others > 0 else "")
