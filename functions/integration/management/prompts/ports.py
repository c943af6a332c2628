"""What the use cases of prompts need of the world around them."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from integration.management.ports import Kept
from integration.management.prompts.models import Prompt, Version


class Prompts(Kept[Prompt], Protocol):
    """Prompts; every method is limited to the organization that it names."""

    async def count(self, org_id: UUID) -> int:
        """How many there are."""
        ...

    async def taken(self, org_id: UUID, name: str) -> bool:
        """Whether a prompt has this name that is not removed."""
        ...


class Versions(Protocol):
    """Versions of prompts."""

    async def page(self, prompt: Prompt, *, before: UUID | None, limit: int) -> Sequence[Version]:
        """At most `limit` of a prompt's, the newest first, that are older than the one with the id `before`."""
        ...

    async def find(self, prompt: Prompt, number: int) -> Version | None:
        """A prompt's version of this number."""
        ...

    async def add(self, version: Version) -> None:
        """Keep a new one."""
        ...
