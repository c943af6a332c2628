"""The use cases of the catalogue with their adapters."""

from billing import wiring as shared
from billing.catalogue.meters import MeterService
from billing.catalogue.plans import PlanService
from billing.catalogue.previews import PreviewService
from billing.catalogue.repository import PostgresMeters, PostgresPlans
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


async def meter_service() -> MeterService:
    """The use cases of meters."""
    return MeterService(
        meters=PostgresMeters(shared.database()),
        operator=shared.operator(),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )


async def plan_service() -> PlanService:
    """The use cases of plans."""
    return PlanService(
        plans=PostgresPlans(shared.database()),
        meters=PostgresMeters(shared.database()),
        operator=shared.operator(),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )


async def preview_service() -> PreviewService:
    """The use case of previews."""
    return PreviewService(plans=await plan_service(), clock=SystemClock())
