"""What every area is made of: real adapters, made once per process at the first use.

Each area's own `wiring` puts its use cases together from these.
"""

from uuid import UUID

from billing.models import Operator
from billing.settings import BillingSettings, OperatorSettings
from llmo_auth.service_composition import ServiceComposition
from llmo_core.settings import DatabaseSettings

parts = ServiceComposition("billing", BillingSettings, database_settings=DatabaseSettings)
once, close = parts.once, parts.close
database, events, repeated_requests = parts.database, parts.outbox, parts.repeated_requests


@once
def operator_id() -> UUID | None:
    """The organization whose catalogue it is."""
    return OperatorSettings.model_validate({}).operator_org_id


@once
def operator() -> Operator:
    """Whose catalogue it is."""
    return Operator(operator_id())
