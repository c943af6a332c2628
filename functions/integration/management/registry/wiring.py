"""The use cases of the registry with their adapters."""

from integration.management import wiring as shared
from integration.management.registry.repository import PostgresModels, PostgresPrices
from integration.management.registry.service import RegistryService
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


async def registry_service() -> RegistryService:
    """The use cases of the registry."""
    return RegistryService(
        models=PostgresModels(shared.database()),
        prices=PostgresPrices(shared.database()),
        references=shared.references(),
        events=shared.events(),
        change=shared.changes().change,
        clock=SystemClock(),
        new_id=new_id,
    )
