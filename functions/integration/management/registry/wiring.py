"""The use cases of the registry with their adapters."""

from integration.management import wiring as shared
from integration.management.registry.repository import PostgresEditions, PostgresModels, PostgresPrices
from integration.management.registry.service import MODELS, ModelGuard, PriceService, RegistryService
from llmo_core.clock import SystemClock


async def registry_service() -> RegistryService:
    """The use cases of models."""
    models = PostgresModels(shared.database())
    return shared.configuring(MODELS, models, ModelGuard(models=models, references=shared.references()))


async def price_service() -> PriceService:
    """The use cases of what models cost."""
    return PriceService(
        models=await registry_service(),
        prices=PostgresPrices(shared.database()),
        editions=PostgresEditions(shared.database()),
        events=shared.events(),
        change=shared.changes().change,
        clock=SystemClock(),
    )
