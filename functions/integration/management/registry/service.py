"""What one can do with models of the registry."""

from collections.abc import Sequence
from typing import override
from uuid import UUID

from integration.management.configuring import Configuring, Guard, Kind
from integration.management.models import NameTaken, listed
from integration.management.ports import Change, References
from integration.management.registry.models import (
    ModelChanged,
    ModelCreated,
    ModelInUse,
    ModelPriced,
    ModelRemoved,
    NoSuchProvider,
    Price,
    PriceEdition,
    PriceInEffect,
    RegisteredModel,
    RetiredBeforeDeprecated,
    UnknownModel,
)
from integration.management.registry.ports import Editions, Models, Prices
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_data.ports import Events

type RegistryService = Configuring[RegisteredModel]
"""Registers, shows, changes and removes models; `create` and `change` raise NameTaken, NoSuchProvider and
RetiredBeforeDeprecated, `change` and `remove` ModelInUse."""


def _require_order(model: RegisteredModel) -> None:
    deprecated, retired = model.deprecated_at, model.retired_at
    if deprecated is not None and retired is not None and retired < deprecated:
        raise RetiredBeforeDeprecated


MODELS = Kind(
    model=RegisteredModel,
    unknown=UnknownModel,
    created=ModelCreated.of,
    changed=ModelChanged.of,
    removed=ModelRemoved.of,
    check=_require_order,
)


class ModelGuard(Guard[RegisteredModel]):
    """A model has a name and a provider, and is not renamed or removed while routes have it as a target."""

    def __init__(self, *, models: Models, references: References) -> None:
        self._models = models
        self._references = references

    @override
    async def adding(self, thing: RegisteredModel) -> None:
        await self._require_free(thing)
        await self._require_provider(thing)

    @override
    async def changing(self, before: RegisteredModel, after: RegisteredModel) -> None:
        if after.name != before.name:
            await self.removing(before)
            await self._require_free(after)
        await self._require_provider(after)

    @override
    async def removing(self, thing: RegisteredModel) -> None:
        routes = await self._references.routes_to_model(thing.org_id, thing.name)
        if routes:
            raise ModelInUse(f"These routes have the model as a target: {listed(routes)}.")

    async def _require_free(self, model: RegisteredModel) -> None:
        if await self._references.taken(model.org_id, model.name):
            raise NameTaken

    async def _require_provider(self, model: RegisteredModel) -> None:
        if not await self._models.has_provider(model.org_id, model.provider_id):
            raise NoSuchProvider


class PriceService:
    """Shows and sets what models cost."""

    def __init__(
        self,
        *,
        models: RegistryService,
        prices: Prices,
        editions: Editions,
        events: Events,
        change: Change,
        clock: Clock,
    ) -> None:
        self._editions = editions
        self._models = models
        self._prices = prices
        self._events = events
        self._change = change
        self._clock = clock

    async def all(self, principal: Principal, model_id: UUID) -> Sequence[Price]:
        """What a model costs, the latest price first. Raises UnknownModel."""
        return await self._prices.all(await self._models.find(principal, model_id))

    async def in_force(self) -> PriceEdition:
        """The edition of the price table that goes for models without a price of their own: everybody's."""
        return await self._editions.in_force()

    async def put(self, principal: Principal, model_id: UUID, price: Price) -> Price:
        """Say what a model costs from some moment on. Safe to repeat while that is still to come.

        Raises UnknownModel, PriceInEffect.
        """
        org_id = principal.org_id
        async with self._change(org_id):
            model = await self._models.find(principal, model_id)
            if not await self._prices.put(model, price, by=principal.actor_id, at=self._clock.now()):
                raise PriceInEffect
            priced = ModelPriced(model_id=model_id, name=model.name, price=price, priced_by=principal.actor_id)
            await self._events.announce(priced, org_id=org_id, aggregate_id=model_id)
        return price
