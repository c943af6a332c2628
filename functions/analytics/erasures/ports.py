"""What those need who keep what arrives. Everything raises StoreUnavailable, TooSlow."""

from collections.abc import Collection, Iterable
from typing import Protocol
from uuid import UUID

from analytics.erasures.models import Person


class Erasures(Protocol):
    """People who were erased.

    Asked after something is kept, and not before: whoever is erased between the two is found by the one or the other.
    """

    async def among(self, org_id: UUID, people: Iterable[Person]) -> Collection[Person]:
        """Those of these people who were erased."""
        ...
