"""What one can do with models of the registry."""

from collections.abc import Collection, Sequence
from uuid import UUID

from integration.management.models import NameTaken, Page, listed
from integration.management.ports import Change, References
from integration.management.registry.models import (
    ModelChanged,
    ModelChanges,
    ModelCreated,
    ModelInUse,
    ModelPriced,
    ModelRemoved,
    NewModel,
    NoSuchProvider,
    Price,
    PriceInEffect,
    RegisteredModel,
    RetiredBeforeDeprecated,
    UnknownModel,
)
from integration.management.registry.ports import Models, Prices
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Events


class RegistryService:
    """Registers, shows, changes, prices and removes models."""

    def __init__(
        self,
        *,
        models: Models,
        prices: Prices,
        references: References,
        events: Events,
        change: Change,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._models = models
        self._prices = prices
        self._references = references
        self._events = events
        self._change = change
        self._clock = clock
        self._new_id = new_id

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Page[RegisteredModel]:
        """Models of the caller's organization, the newest first."""
        return Page.of(await self._models.page(principal.org_id, before=before, limit=limit + 1), limit)

    async def find(self, principal: Principal, model_id: UUID) -> RegisteredModel:
        """A model of the caller's organization. Raises UnknownModel."""
        found = await self._models.find(principal.org_id, model_id)
        if found is None:
            raise UnknownModel
        return found

    async def create(self, principal: Principal, new: NewModel) -> RegisteredModel:
        """Register a model.

        Not safe to retry: its name is taken then. Raises NameTaken, NoSuchProvider, RetiredBeforeDeprecated.
        """
        org_id, now = principal.org_id, self._clock.now()
        model = RegisteredModel(
            **new.model_dump(),
            id=self._new_id(),
            org_id=org_id,
            created_by=principal.actor_id,
            created_at=now,
            updated_at=now,
        )
        _require_order(model)
        async with self._change(org_id):
            await self._require_free(model)
            await self._require_provider(model)
            await self._models.add(model)
            await self._events.announce(ModelCreated.of(model), org_id=org_id, aggregate_id=model.id)
        return model

    async def change(
        self, principal: Principal, model_id: UUID, changes: ModelChanges, *, expected: Collection[int] | None
    ) -> RegisteredModel:
        """Change a model, if it has one of the expected versions.

        Raises UnknownModel, ChangedMeanwhile, ModelInUse for another name of one that routes have as a target, and what
        `create` raises.
        """
        org_id = principal.org_id
        async with self._change(org_id):
            before = await self.find(principal, model_id)
            before.require_version(expected)
            if not changes.model_fields_set:
                return before
            after = before.changed(self._clock.now(), **changes.model_dump(include=changes.model_fields_set))
            _require_order(after)
            if after.name != before.name:
                await self._require_no_route(before)
                await self._require_free(after)
            await self._require_provider(after)
            await self._models.change(after)
            changed = ModelChanged(
                model_id=model_id,
                name=after.name,
                version=after.version,
                changed=sorted(changes.model_fields_set),
                changed_by=principal.actor_id,
            )
            await self._events.announce(changed, org_id=org_id, aggregate_id=model_id)
        return after

    async def remove(self, principal: Principal, model_id: UUID) -> None:
        """Remove a model. Raises UnknownModel, ModelInUse."""
        org_id = principal.org_id
        async with self._change(org_id):
            model = await self.find(principal, model_id)
            await self._require_no_route(model)
            await self._models.remove(model, at=self._clock.now())
            removed = ModelRemoved(model_id=model_id, name=model.name, removed_by=principal.actor_id)
            await self._events.announce(removed, org_id=org_id, aggregate_id=model_id)

    async def prices(self, principal: Principal, model_id: UUID) -> Sequence[Price]:
        """What a model costs, the latest price first. Raises UnknownModel."""
        return await self._prices.all(await self.find(principal, model_id))

    async def put_price(self, principal: Principal, model_id: UUID, price: Price) -> Price:
        """Say what a model costs from some moment on. Safe to repeat while that is still to come.

        Raises UnknownModel, PriceInEffect.
        """
        org_id = principal.org_id
        async with self._change(org_id):
            model = await self.find(principal, model_id)
            if not await self._prices.put(model, price, by=principal.actor_id, at=self._clock.now()):
                raise PriceInEffect
            priced = ModelPriced(model_id=model_id, name=model.name, price=price, priced_by=principal.actor_id)
            await self._events.announce(priced, org_id=org_id, aggregate_id=model_id)
        return price

    async def _require_free(self, model: RegisteredModel) -> None:
        if await self._references.taken(model.org_id, model.name):
            raise NameTaken

    async def _require_provider(self, model: RegisteredModel) -> None:
        if not await self._models.has_provider(model.org_id, model.provider_id):
            raise NoSuchProvider

    async def _require_no_route(self, model: RegisteredModel) -> None:
        routes = await self._references.routes_to_model(model.org_id, model.name)
        if routes:
            raise ModelInUse(f"These routes have the model as a target: {listed(routes)}.")


def _require_order(model: RegisteredModel) -> None:
    deprecated, retired = model.deprecated_at, model.retired_at
    if deprecated is not None and retired is not None and retired < deprecated:
        raise RetiredBeforeDeprecated
