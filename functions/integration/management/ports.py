"""What the use cases of every area need of the world around them."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from integration.management.models import Configured

type Change = Callable[[UUID], AbstractAsyncContextManager[object]]
"""Makes what is kept and announced in it one change of an organization's configuration.

It is one commit, no other change of the same organization goes on meanwhile, and gateways hear of it afterwards.
Raises UnknownOrganization.
"""


class Kept[T: Configured](Protocol):
    """Where things of one kind are kept; every method is limited to the organization that it names."""

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[T]:
        """At most `limit` of them, the newest first, that are older than the one with the id `before`."""
        ...

    async def find(self, org_id: UUID, thing_id: UUID) -> T | None:
        """The one with this id, unless it is removed."""
        ...

    async def add(self, thing: T) -> None:
        """Keep a new one."""
        ...

    async def change(self, thing: T) -> None:
        """Keep another version of one."""
        ...

    async def remove(self, thing: T, *, at: datetime) -> None:
        """Mark one as removed."""
        ...


class References(Protocol):
    """What an organization's providers, models and routes say of each other by name. Removed ones say nothing."""

    async def taken(self, org_id: UUID, name: str) -> bool:
        """Whether a model or a route has this name."""
        ...

    async def providers_named(self, org_id: UUID, names: Collection[str]) -> frozenset[str]:
        """Which of these are names of providers."""
        ...

    async def models_named(self, org_id: UUID, names: Collection[str]) -> frozenset[str]:
        """Which of these are names of models."""
        ...

    async def routes_named(self, org_id: UUID, names: Collection[str]) -> frozenset[str]:
        """Which of these are names of routes."""
        ...

    async def models_of_provider(self, org_id: UUID, provider_id: UUID) -> Sequence[str]:
        """The names of the models that are a provider's."""
        ...

    async def routes_to_provider(self, org_id: UUID, name: str) -> Sequence[str]:
        """The names of the routes with a target `<name>/<model>` that is no model's own name."""
        ...

    async def routes_to_model(self, org_id: UUID, name: str) -> Sequence[str]:
        """The names of the routes with this target."""
        ...
