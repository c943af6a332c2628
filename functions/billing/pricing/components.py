"""The parts that a price is made of for one quantity."""

from decimal import Decimal
from enum import StrEnum

from billing.exact import product, total
from billing.fields import LARGEST_QUANTITY, MOST_DECIMALS, Amount, decimal_places
from llmo_core.errors import Invalid
from llmo_core.model import Model

NOTHING = Decimal(0)


class UnratableQuantity(Invalid):
    """A quantity is 0 to 10^18, with twelve decimal places at most."""


class Part(StrEnum):
    """What a component charges for."""

    FEE = "fee"
    UNITS = "units"
    PACKAGES = "packages"
    PERCENTAGE = "percentage"
    COST = "cost"
    MINIMUM = "minimum"
    CAP = "cap"


class Tier(Model):
    """A range of units: more than `above`, up to and with `up_to` (None: without end)."""

    above: Amount
    up_to: Amount | None


class Component(Model):
    """A part of what a quantity costs: `amount` is exactly `quantity` x `unit_price` + `flat_fee`.

    Attributes:
        units: Those of the meter that it covers.
        quantity: How many are charged: packages of a price by packages, else the units.
        flat_fee: What is charged besides; negative where a cap takes something off again.
        tier: Where the units lie, of prices that have tiers.
    """

    part: Part
    units: Amount
    quantity: Amount
    unit_price: Amount
    flat_fee: Amount
    tier: Tier | None
    amount: Amount

    @classmethod
    def of(
        cls,
        part: Part,
        *,
        units: Decimal = NOTHING,
        quantity: Decimal | None = None,
        unit_price: Decimal = NOTHING,
        flat_fee: Decimal = NOTHING,
        tier: Tier | None = None,
    ) -> "Component":
        """A component with its exact amount; `quantity` is that of the units unless it is given."""
        charged = units if quantity is None else quantity
        return cls(
            part=part,
            units=units,
            quantity=charged,
            unit_price=unit_price,
            flat_fee=flat_fee,
            tier=tier,
            amount=total((product(charged, unit_price), flat_fee)),
        )


def amount_of(components: tuple[Component, ...]) -> Decimal:
    """What they cost together, exactly."""
    return total(component.amount for component in components)


def require_quantity(quantity: Decimal) -> None:
    """Raise UnratableQuantity for what no price is asked for."""
    fits = quantity.is_finite() and NOTHING <= quantity <= LARGEST_QUANTITY
    if not fits or decimal_places(quantity) > MOST_DECIMALS:
        raise UnratableQuantity
