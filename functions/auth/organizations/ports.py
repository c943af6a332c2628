"""What other areas need of organizations."""

from typing import Protocol
from uuid import UUID


class OpenOrganizations(Protocol):
    """Organizations that are not closed."""

    async def lock(self, org_id: UUID) -> str:
        """Keep one from being closed until the transaction ends; gives its name. Raises UnknownOrganization."""
        ...
