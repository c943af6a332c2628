"""Bodies about dunnings. Amounts are in minor units."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from billing.dunning.models import Dunning, Service, Standing
from billing.dunning.plan import Action
from billing.dunning.showing import Overdue, Overview
from llmo_core.currencies import Currency
from llmo_core.model import Model


class ServiceOut(Model):
    """How well an organization is served: `restricted` with limits, `suspended` not at all, until it has paid."""

    standing: Standing
    invoice_id: Annotated[UUID | None, Field(description="On account of which invoice it is not served well.")]
    since: Annotated[datetime | None, Field(description="Null of one that was always served well.")]
    revision: int

    @classmethod
    def of(cls, service: Service) -> Self:
        """Show how well an organization is served."""
        return cls(**service.model_dump(exclude={"org_id"}))


class NextStepOut(Model):
    """What will be done unless the invoice is settled before."""

    at: datetime
    actions: tuple[Action, ...]


class OverdueOut(Model):
    """An invoice that could not be collected, and what is done about it."""

    invoice_id: UUID
    number: str | None
    currency: Currency
    amount_remaining: int
    opened_at: datetime
    step: Annotated[int, Field(description="How many steps are done.")]
    steps: int
    next_step: Annotated[NextStepOut | None, Field(description="Null when the last one is done.")]
    standing: Annotated[Standing, Field(description="How well the organization is served on account of this invoice.")]

    @classmethod
    def of(cls, overdue: Overdue) -> Self:
        """Show an overdue invoice."""
        invoice, dunning = overdue
        return cls(
            invoice_id=invoice.id,
            number=invoice.number,
            currency=invoice.currency,
            amount_remaining=invoice.remaining,
            opened_at=dunning.opened_at,
            step=dunning.step,
            steps=len(dunning.steps),
            next_step=_next(dunning),
            standing=dunning.standing,
        )


class DunningOut(Model):
    """How well the organization is served, and the invoices that could not be collected, the oldest first."""

    service: ServiceOut
    overdue: list[OverdueOut]

    @classmethod
    def of(cls, overview: Overview) -> Self:
        """Show an overview."""
        return cls(
            service=ServiceOut.of(overview.service), overdue=[OverdueOut.of(overdue) for overdue in overview.overdue]
        )


class DelayDunning(Model):
    """Before when no step is to come; what comes later anyway stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"until": "2027-03-01T08:00:00Z"}]})

    until: AwareDatetime


def _next(dunning: Dunning) -> NextStepOut | None:
    if dunning.next_at is None or dunning.coming is None:
        return None
    return NextStepOut(at=dunning.next_at, actions=dunning.coming.actions)
