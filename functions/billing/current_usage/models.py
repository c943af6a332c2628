"""A period of a subscription that is under way, and what it has come to."""

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from billing.invoicing.breakdown import Breakdown
from billing.invoicing.items import Item
from billing.periods import Period
from billing.pricing.plans import PlanVersion
from billing.proration import Stretch
from billing.taxes import Taxation
from llmo_core.currencies import Currency
from llmo_core.errors import NotFound
from llmo_core.model import Model


class OpenStretch(Model):
    """Days of the period with the same plan."""

    stretch: Stretch
    plan: PlanVersion


class OpenPeriod(Model):
    """A period of a subscription that is under way.

    Attributes:
        advance: What was due when it began, and for changes since then.
        stretches: In order; the last one is under way.
    """

    subscription_id: UUID
    period: Period
    currency: Currency
    taxation: Taxation
    advance: tuple[Item, ...]
    stretches: tuple[OpenStretch, ...]


class CurrentUsage(Model):
    """What a period has come to."""

    subscription_id: UUID
    as_of: datetime
    period: Period
    so_far: Annotated[
        Breakdown,
        Field(
            description="What is owed for the period if nothing more is used in it, but for what is still on its way to"
            " be counted. Prepaid credit is not taken off."
        ),
    ]
    projected: Annotated[
        Breakdown,
        Field(
            description="The same at the period's end, if sums and counts go on as they did since the plan's days"
            " began; maxima and numbers of different values stay."
        ),
    ]


class NotOpen(StrEnum):
    """Why no period is under way."""

    NOT_SUBSCRIBED = "not_subscribed"
    TRIALING = "trialing"
    PAUSED = "paused"


_DETAILS: Final = MappingProxyType(
    {
        NotOpen.NOT_SUBSCRIBED: "No period is under way: the organization has no live subscription.",
        NotOpen.TRIALING: "No period is under way: the subscription is being tried out, and nothing is charged for.",
        NotOpen.PAUSED: "No period is under way: the subscription is paused, and nothing is charged for.",
    }
)


class NothingOpen(NotFound):
    """The organization has no period under way; `reason` says why."""

    def __init__(self, reason: NotOpen) -> None:
        super().__init__(_DETAILS[reason])
        self.extensions = MappingProxyType({"reason": reason.value})
