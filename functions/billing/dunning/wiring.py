"""The use cases of dunning with their adapters."""

from datetime import timedelta

from billing import wiring as shared
from billing.dunning.closing import DunningClosing
from billing.dunning.plan import DunningPlan
from billing.dunning.repository import PostgresDunnings, PostgresServices
from billing.dunning.serving import Serving
from billing.dunning.showing import DunningService
from billing.dunning.stepping import DunningSteps
from billing.invoices.repository import PostgresInvoices
from billing.invoices.wiring import collecting_service
from billing.payments.repository import PostgresPayments
from billing.settings import DunningSettings
from llmo_core.clock import SystemClock


@shared.once
def _settings() -> DunningSettings:
    return DunningSettings.model_validate({})


def _serving() -> Serving:
    return Serving(
        services=PostgresServices(shared.database()),
        dunnings=PostgresDunnings(shared.database()),
        events=shared.events(),
        clock=SystemClock(),
    )


def dunning_closing() -> DunningClosing:
    """What ends dunnings."""
    return DunningClosing(
        dunnings=PostgresDunnings(shared.database()), serving=_serving(), events=shared.events(), clock=SystemClock()
    )


async def dunning_steps() -> DunningSteps:
    """What is done about an invoice. Raises PaymentsNotConfigured."""
    return DunningSteps(
        dunnings=PostgresDunnings(shared.database()),
        invoices=PostgresInvoices(shared.database()),
        attempts=PostgresPayments(shared.database()),
        collecting=await collecting_service(),
        serving=_serving(),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        plan=DunningPlan.parse(_settings().dunning_steps),
        day=timedelta(seconds=_settings().dunning_day_seconds),
    )


async def dunning_service() -> DunningService:
    """What organizations and the operator see of it."""
    return DunningService(
        dunnings=PostgresDunnings(shared.database()),
        services=PostgresServices(shared.database()),
        invoices=PostgresInvoices(shared.database()),
        operator=shared.operator(),
        transaction=shared.database().transaction,
    )
