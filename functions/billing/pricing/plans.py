"""A version of a plan: what is charged in each period, and when."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from billing.fields import Code, Quantity, not_empty
from billing.periods import Cadence, TrialDays
from billing.pricing.components import NOTHING
from billing.pricing.prices import Flat, PassThrough, Percentage, Price
from llmo_core.currencies import Currency
from llmo_core.fields import Name
from llmo_core.model import Model

MOST_CHARGES = 100
MOST_FEATURES = 100


class Basis(StrEnum):
    """What a charge is for.

    `recurring` and `seats` are charged in advance, at the beginning of a period, `usage` afterwards.
    """

    RECURRING = "recurring"
    SEATS = "seats"
    USAGE = "usage"


class Charge(Model):
    """Something that a plan charges for.

    Attributes:
        meter: Whose count is the quantity of a charge for usage; None of all others.
        included: So many units of each period cost nothing; see `billing.pricing.prices`.
    """

    code: Code
    name: Name
    basis: Basis
    price: Price
    meter: Code | None = None
    included: Quantity = NOTHING

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.basis is Basis.USAGE) != (self.meter is not None):
            raise ValueError("a charge for usage has a meter, and no other charge has one")
        if (self.basis is Basis.RECURRING) != isinstance(self.price, Flat):
            raise ValueError("a recurring charge has a flat price, and no other charge has one")
        if self.basis is not Basis.USAGE and isinstance(self.price, Percentage | PassThrough):
            raise ValueError(f"a price of kind `{self.price.kind}` is for usage")
        if self.included and self.basis is Basis.RECURRING:
            raise ValueError("nothing can be included in a flat price")
        return self

    def quantity(self, *, seats: Decimal) -> Decimal:
        """How much of it is charged in advance."""
        return seats if self.basis is Basis.SEATS else Decimal(1)


class Feature(Model):
    """Something that whoever has the plan may use.

    Attributes:
        limit: So much of it in each period, or so many at all where nothing is counted; None: without a limit.
        meter: Whose count is what was used in the period; None where nothing is counted.
    """

    code: Code
    name: Name
    limit: Quantity | None = None
    meter: Code | None = None


class PlanVersion(Model):
    """What is charged, in one currency. It never changes: another price is another version.

    Attributes:
        trial_days: Days before the first period that is paid.
        features: What one may use; charges are for what was used, whether it is a feature or not.
    """

    currency: Currency
    cadence: Cadence
    charges: Annotated[
        tuple[Charge, ...],
        Field(max_length=MOST_CHARGES, json_schema_extra={"minItems": 1}),
        AfterValidator(not_empty),
    ]
    trial_days: TrialDays = 0
    features: Annotated[tuple[Feature, ...], Field(max_length=MOST_FEATURES)] = ()

    @model_validator(mode="after")
    def _codes_once(self) -> Self:
        for kind, coded in (("charges", self.charges), ("features", self.features)):
            codes = [each.code for each in coded]
            for code in codes:
                if codes.count(code) > 1:
                    raise ValueError(f"there are several {kind} with the code `{code}`")
        return self

    @model_validator(mode="after")
    def _rates_of_exchange(self) -> Self:
        for charge in self.charges:
            if not isinstance(charge.price, PassThrough):
                continue
            known, needed = charge.price.usd_rate is not None, self.currency is not Currency.USD
            if needed and not known:
                raise PydanticCustomError(
                    "missing_exchange_rate",
                    "`{code}` passes costs in USD on in {currency}: say what a dollar is worth in `usd_rate`",
                    {"code": charge.code, "currency": self.currency.value},
                )
            if known and not needed:
                raise PydanticCustomError(
                    "needless_exchange_rate",
                    "`{code}` passes costs in USD on in USD: leave `usd_rate` out",
                    {"code": charge.code},
                )
        return self

    @property
    def meters(self) -> frozenset[str]:
        """The codes of the meters that it speaks of."""
        named = [*(charge.meter for charge in self.charges), *(feature.meter for feature in self.features)]
        return frozenset(code for code in named if code is not None)

    @property
    def in_advance(self) -> Sequence[Charge]:
        """The charges that are due at the beginning of a period."""
        return [charge for charge in self.charges if charge.basis is not Basis.USAGE]

    @property
    def for_usage(self) -> Sequence[Charge]:
        """The charges that are due when a period has ended."""
        return [charge for charge in self.charges if charge.basis is Basis.USAGE]
