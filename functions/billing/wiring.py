"""What every area is made of: real adapters, made once per process at the first use.

Each area's own `wiring` puts its use cases together from these.
"""

from billing.models import Operator
from billing.settings import BillingSettings
from llmo_auth.service_composition import ServiceComposition

parts = ServiceComposition("billing", BillingSettings)
once, close = parts.once, parts.close
database, events, repeated_requests = parts.database, parts.outbox, parts.repeated_requests


@once
def operator() -> Operator:
    """Whose catalogue it is."""
    return Operator(parts.settings().operator_org_id)
