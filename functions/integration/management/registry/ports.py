"""What the use cases of the registry need of the world around them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from integration.management.registry.models import Price, RegisteredModel


class Models(Protocol):
    """Registered models; every method is limited to the organization it names."""

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[RegisteredModel]:
        """At most `limit` models, the newest first, that are older than the model `before`."""
        ...

    async def find(self, org_id: UUID, model_id: UUID) -> RegisteredModel | None:
        """The model, unless it is removed."""
        ...

    async def add(self, model: RegisteredModel) -> None:
        """Keep a new model, whose name is free."""
        ...

    async def change(self, model: RegisteredModel) -> None:
        """Keep another version of a model, whose name is free or its own."""
        ...

    async def remove(self, model: RegisteredModel, *, at: datetime) -> None:
        """Mark a model as removed."""
        ...

    async def has_provider(self, org_id: UUID, provider_id: UUID) -> bool:
        """Whether there is a provider with this id that is not removed."""
        ...


class Prices(Protocol):
    """Prices of registered models."""

    async def all(self, model: RegisteredModel) -> Sequence[Price]:
        """A model's prices, the latest first."""
        ...

    async def put(self, model: RegisteredModel, price: Price, *, by: UUID, at: datetime) -> bool:
        """Keep a price, in place of one from the same moment on if that is after `at`; False when it is not."""
        ...
