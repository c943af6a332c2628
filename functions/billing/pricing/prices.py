"""The kinds of prices.

What is included is taken off first: a price sees only the units beyond it, the first of which lies in the first tier,
starts the first package, or begins the amount that a percentage is taken of. Where nothing is left to charge nothing
is charged, no fee and no minimum; only a flat price is always due.
"""

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from billing.exact import difference, percent, product, total, whole_parts
from billing.fields import ExchangeRate, Markup, Percent, PositiveQuantity, UnitPrice
from billing.pricing.components import NOTHING, Component, Part, amount_of, require_quantity
from billing.pricing.tiers import Tiers, bounds
from llmo_core.model import Model

_ONE = Decimal(1)


class _Price(Model, ABC):
    """What a quantity costs in units of the plan's currency."""

    def rate(self, quantity: Decimal, included: Decimal = NOTHING) -> tuple[Component, ...]:
        """What a quantity costs, of which so much is included, as exact components; none where nothing is charged.

        Raises UnratableQuantity.
        """
        require_quantity(quantity)
        require_quantity(included)
        return self._charge(difference(quantity, included)) if quantity > included else ()

    @abstractmethod
    def _charge(self, units: Decimal) -> tuple[Component, ...]:
        """What so many units cost, of which none is included."""


class Flat(Model):
    """An amount for each period, whatever is used; nothing can be included in it."""

    kind: Literal["flat"] = "flat"
    amount: UnitPrice

    def rate(self, quantity: Decimal, included: Decimal = NOTHING) -> tuple[Component, ...]:
        """The amount, once. Raises UnratableQuantity."""
        require_quantity(quantity)
        require_quantity(included)
        return (Component.of(Part.FEE, units=_ONE, unit_price=self.amount),)


class PerUnit(_Price):
    """The same for each unit beyond those included; a part of a unit costs its part."""

    kind: Literal["per_unit"] = "per_unit"
    unit_price: UnitPrice

    def _charge(self, units: Decimal) -> tuple[Component, ...]:
        return (Component.of(Part.UNITS, units=units, unit_price=self.unit_price),)


class Package(_Price):
    """A price for each package that is started with the units beyond those included."""

    kind: Literal["package"] = "package"
    size: PositiveQuantity
    package_price: UnitPrice

    def _charge(self, units: Decimal) -> tuple[Component, ...]:
        started = Decimal(whole_parts(units, self.size))
        return (Component.of(Part.PACKAGES, units=units, quantity=started, unit_price=self.package_price),)


class Graduated(_Price):
    """Each unit beyond those included at the price of the tier that it lies in."""

    kind: Literal["graduated"] = "graduated"
    tiers: Tiers

    def _charge(self, units: Decimal) -> tuple[Component, ...]:
        return tuple(
            Component.of(
                Part.UNITS,
                units=difference(units if tier.up_to is None else min(units, tier.up_to), bound.above),
                unit_price=tier.unit_price,
                flat_fee=tier.flat_fee,
                tier=bound,
            )
            for tier, bound in bounds(self.tiers)
            if units > bound.above
        )


class Volume(_Price):
    """All units beyond those included at the price of the tier that the last of them lies in."""

    kind: Literal["volume"] = "volume"
    tiers: Tiers

    def _charge(self, units: Decimal) -> tuple[Component, ...]:
        tier, bound = next(
            (tier, bound) for tier, bound in bounds(self.tiers) if tier.up_to is None or units <= tier.up_to
        )
        return (Component.of(Part.UNITS, units=units, unit_price=tier.unit_price, flat_fee=tier.flat_fee, tier=bound),)


class Percentage(_Price):
    """A percentage of an amount beyond what is included, and a fee; together the minimum at least, the cap at most.

    Fee, minimum and cap are for the whole period.
    """

    kind: Literal["percentage"] = "percentage"
    percent: Percent
    fixed_fee: UnitPrice = NOTHING
    minimum: UnitPrice = NOTHING
    cap: UnitPrice | None = None

    @model_validator(mode="after")
    def _cap_above_minimum(self) -> Self:
        if self.cap is not None and self.cap < self.minimum:
            raise ValueError(f"the cap of {self.cap:f} lies below the minimum of {self.minimum:f}")
        return self

    def _charge(self, units: Decimal) -> tuple[Component, ...]:
        charged = Component.of(Part.PERCENTAGE, units=units, unit_price=percent(self.percent), flat_fee=self.fixed_fee)
        if charged.amount < self.minimum:
            missing = difference(self.minimum, charged.amount)
            return charged, Component.of(Part.MINIMUM, flat_fee=missing)
        if self.cap is not None and charged.amount > self.cap:
            excess = difference(self.cap, charged.amount)
            return charged, Component.of(Part.CAP, flat_fee=excess)
        return (charged,)


class PassThrough(_Price):
    """The cost of LLM calls in US dollars beyond what is included, with a markup.

    Attributes:
        markup_percent: On top of the cost.
        usd_rate: What a US dollar is worth in the plan's currency; only a plan in US dollars has none.
    """

    kind: Literal["pass_through"] = "pass_through"
    markup_percent: Markup = NOTHING
    usd_rate: ExchangeRate | None = None

    def _charge(self, units: Decimal) -> tuple[Component, ...]:
        factor = total((_ONE, percent(self.markup_percent)))
        price = product(factor, self.usd_rate) if self.usd_rate is not None else factor
        return (Component.of(Part.COST, units=units, unit_price=price),)


type Price = Annotated[
    Flat | PerUnit | Package | Graduated | Volume | Percentage | PassThrough, Field(discriminator="kind")
]


def exact_amount(price: Price, quantity: Decimal, included: Decimal = NOTHING) -> Decimal:
    """What a quantity costs, exactly. Raises UnratableQuantity."""
    return amount_of(price.rate(quantity, included))
