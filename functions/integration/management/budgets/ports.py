"""What the use cases of budgets need of the world around them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from integration.management.budgets.models import Amounts


class Place(NamedTuple):
    """Where an organization's counters are, and where its days begin."""

    org_ref: str
    time_zone: str


class Places(Protocol):
    """Where organizations are."""

    async def find(self, org_id: UUID) -> Place | None:
        """An organization's; None when there is none, or it is closed."""
        ...


class Counters(Protocol):
    """What the gateway counted; names are those of `integration.budget_windows`."""

    async def amounts(self, org_ref: str, names: Sequence[str]) -> Sequence[Amounts]:
        """What each of these counters has; nothing where there is none. Raises CountersUnavailable."""
        ...

    async def subjects(self, org_ref: str, index: str, *, first: int, limit: int) -> Sequence[str]:
        """At most `limit` subjects from this position on, those first who spent the most.

        Raises CountersUnavailable.
        """
        ...
