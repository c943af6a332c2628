"""What a spend cap is, and what is announced of it."""

from collections.abc import Collection
from typing import Annotated
from uuid import UUID

from pydantic import Field

from billing.fields import UnitPrice
from billing.models import ChangedMeanwhile
from llmo_core.fields import Moment
from llmo_core.model import Model
from llmo_messaging.envelope import Event

type CapInDollars = Annotated[UnitPrice, Field(le=9_000_000)]
"""As much as the gateway's counters take: pico-dollars in 64 bits."""


class SpendCap(Model):
    """The most that an organization wants to spend on LLM calls in a month of its time zone.

    Attributes:
        limit_usd: What the calls may cost, as the gateway counts it, before any markup; None: as much as they do.
        revision: 1, and one more with each change.
    """

    org_id: UUID
    limit_usd: CapInDollars | None = None
    revision: int = 1
    updated_by: UUID | None = None
    updated_at: Moment | None = None

    def require_revision(self, expected: Collection[int] | None) -> None:
        """Raise ChangedMeanwhile unless the revision is one of these; None are all."""
        if expected is not None and self.revision not in expected:
            raise ChangedMeanwhile


class SpendCapChanged(Event, name="llmo.billing.spend_cap.changed"):
    """The cap is another one, or there is none any more. Of two, the one with the higher revision is in force."""

    revision: int
    limit_usd: CapInDollars | None
