"""What the use cases of policies need of the world around them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from integration.management.policies.models import Policy, Whose


class Policies(Protocol):
    """Policies; every method is limited to the organization that it names."""

    async def page(self, org_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Policy]:
        """At most `limit` policies, ordered by their ids, behind the one with the id `after`."""
        ...

    async def find(self, org_id: UUID, whose: Whose) -> Policy | None:
        """A policy, unless it is removed."""
        ...

    async def count(self, org_id: UUID) -> int:
        """How many there are."""
        ...

    async def last_version(self, org_id: UUID, whose: Whose) -> int:
        """The latest version that there ever was, also of a policy that is removed; 0 of none."""
        ...

    async def put(self, policy: Policy) -> None:
        """Keep a policy, in place of the one that there was."""
        ...

    async def remove(self, policy: Policy, *, at: datetime) -> None:
        """Mark a policy as removed."""
        ...
