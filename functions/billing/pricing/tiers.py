"""Ranges of units that have a price each."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

from billing.fields import PositiveQuantity, UnitPrice, not_empty
from billing.pricing.components import NOTHING, Tier
from llmo_core.model import Model

MOST_TIERS = 100


class PriceTier(Model):
    """The price of the units from the end of the tier before up to and with `up_to`; None has no end.

    Attributes:
        flat_fee: Charged once, when at least a part of a unit lies in the tier.
    """

    up_to: PositiveQuantity | None
    unit_price: UnitPrice
    flat_fee: UnitPrice = NOTHING


def _without_gaps(tiers: tuple[PriceTier, ...]) -> tuple[PriceTier, ...]:
    """A tier says only where it ends, so that tiers can leave no gap, and overlap only by not ascending."""
    *bounded, last = tiers
    for number, tier in enumerate(bounded, start=1):
        if tier.up_to is None:
            raise ValueError(f"tier {number} has no end, so that no unit ever reaches tier {number + 1}")
    if last.up_to is not None:
        raise ValueError(
            f"the last tier ends at {last.up_to:f}: units beyond it would have no price; give it `up_to: null`"
        )
    for number, (tier, following) in enumerate(pairwise(bounded), start=2):
        if tier.up_to is not None and following.up_to is not None and following.up_to <= tier.up_to:
            raise ValueError(
                f"tier {number} ends at {following.up_to:f}, where tier {number - 1} has not ended before"
                f" {tier.up_to:f}: tiers ascend, and do not overlap"
            )
    return tiers


type Tiers = Annotated[
    tuple[PriceTier, ...],
    Field(max_length=MOST_TIERS, json_schema_extra={"minItems": 1}),
    AfterValidator(not_empty),
    AfterValidator(_without_gaps),
]


def bounds(tiers: Sequence[PriceTier]) -> Sequence[tuple[PriceTier, Tier]]:
    """Each tier with where it begins and ends."""
    begins: list[Decimal] = [NOTHING, *(tier.up_to for tier in tiers if tier.up_to is not None)]
    return [(tier, Tier(above=above, up_to=tier.up_to)) for tier, above in zip(tiers, begins, strict=True)]
