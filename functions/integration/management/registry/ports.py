"""What the use cases of the registry need of the world around them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from integration.management.ports import Kept
from integration.management.registry.models import Price, PriceEdition, RegisteredModel


class Models(Kept[RegisteredModel], Protocol):
    """Registered models; every method is limited to the organization it names."""

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


class Editions(Protocol):
    """Editions of the price table."""

    async def in_force(self) -> PriceEdition:
        """The one that calls go by now."""
        ...
