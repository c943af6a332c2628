"""What the use cases of guardrails need of the world around them."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from integration.management.guardrails.models import Guardrail


class Guardrails(Protocol):
    """An organization's guardrails, but those that are removed."""

    async def all(self, org_id: UUID) -> Sequence[Guardrail]:
        """All of them, the oldest first."""
        ...
