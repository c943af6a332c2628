"""What is announced of dunnings, and of how well organizations are served. Amounts are in minor units."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from billing.dunning.models import Outcome, Service, Standing
from billing.fields import MinorUnits
from llmo_core.currencies import Currency
from llmo_messaging.envelope import Event


class DunningStarted(Event, name="llmo.billing.dunning.started"):
    """An invoice could not be collected, and something will be done about that."""

    invoice_id: UUID
    number: str
    currency: Currency
    amount_remaining: MinorUnits
    next_step_at: AwareDatetime | None


class DunningReminded(Event, name="llmo.billing.dunning.reminded"):
    """The customer is to be reminded of an invoice, with the step `step` of `steps`."""

    invoice_id: UUID
    number: str
    currency: Currency
    amount_remaining: MinorUnits
    step: int
    steps: int
    standing: Standing
    next_step_at: AwareDatetime | None


class DunningEnded(Event, name="llmo.billing.dunning.ended"):
    """Nothing more is done about an invoice: it is settled."""

    invoice_id: UUID
    number: str
    outcome: Outcome


class ServiceRestricted(Event, name="llmo.billing.service.restricted"):
    """An organization is served with limits until it has paid. Of all `service` events the highest revision counts."""

    revision: int
    invoice_id: UUID
    since: AwareDatetime
    reason: Literal["payment_overdue"] = "payment_overdue"


class ServiceSuspended(Event, name="llmo.billing.service.suspended"):
    """An organization is not served until it has paid."""

    revision: int
    invoice_id: UUID
    since: AwareDatetime
    reason: Literal["payment_overdue"] = "payment_overdue"


class ServiceRestored(Event, name="llmo.billing.service.restored"):
    """An organization is served as ever."""

    revision: int
    since: AwareDatetime


def of_service(service: Service) -> ServiceRestricted | ServiceSuspended | ServiceRestored:
    """What is announced of how well an organization is served by now."""
    facts = service.model_dump(include={"revision", "invoice_id", "since"})
    match service.standing:
        case Standing.RESTRICTED:
            return ServiceRestricted.model_validate(facts)
        case Standing.SUSPENDED:
            return ServiceSuspended.model_validate(facts)
        case Standing.GOOD:
            return ServiceRestored.model_validate(facts)
