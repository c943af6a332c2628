"""What billing tells.

Each kind counts its revisions by itself, and the three of a service count them together: whoever has a higher one does
not care for the others, so events may come in any order, and more than once.
"""

from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from llmo_messaging.envelope import Event

type Revision = Annotated[int, Field(ge=1)]
type Limit = Annotated[Decimal, Field(ge=0, le=9_000_000, max_digits=19, decimal_places=12)]  # as of budgets


class ServiceRestricted(Event, name="llmo.billing.service.restricted"):
    """An invoice is overdue: the organization may make a few calls only."""

    revision: Revision
    invoice_id: UUID
    since: AwareDatetime
    reason: str


class ServiceSuspended(Event, name="llmo.billing.service.suspended"):
    """An invoice is overdue for long: the organization may make no calls."""

    revision: Revision
    invoice_id: UUID
    since: AwareDatetime
    reason: str


class ServiceRestored(Event, name="llmo.billing.service.restored"):
    """Nothing is overdue any more."""

    revision: Revision
    since: AwareDatetime


class SpendCapChanged(Event, name="llmo.billing.spend_cap.changed"):
    """The most that the organization wants to spend on calls in a month; None: as much as it likes."""

    revision: Revision
    limit_usd: Limit | None


class PrepaidLimitChanged(Event, name="llmo.billing.prepaid_limit.changed"):
    """The most that the organization's calls may cost together since it pays in advance; None when it does not."""

    revision: Revision
    limit_usd: Limit | None
    since: AwareDatetime | None

    @model_validator(mode="after")
    def _begins(self) -> Self:
        if self.limit_usd is not None and self.since is None:
            raise ValueError("a prepaid limit without its beginning")
        return self
