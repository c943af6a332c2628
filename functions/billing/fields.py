"""The kinds of fields that plans, meters and invoices share."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from llmo_core.money import decimal_text

MOST_DECIMALS: Final = 12
"""Decimal places of a price or a quantity, as Stripe's `unit_amount_decimal` and our costs in USD have."""

_LARGEST_PRICE: Final = 10**12
LARGEST_QUANTITY: Final = 10**18


def _written_out(given: object) -> object:
    """Floats are no exact numbers, and what is true is none at all."""
    if isinstance(given, float | bool):
        raise ValueError('write it as text, such as "0.0025"')  # noqa: TRY004 - pydantic answers ValueErrors
    return given


def decimal_places(number: Decimal) -> int:
    """How many a number needs, without the zeros at its end.

    Pydantic's own `decimal_places` looks at the number rounded to the context's precision: a 30th digit passes it.
    """
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or exponent >= 0 or not any(digits):
        return 0
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(-exponent - zeros, 0)


def _kept_exactly(number: Decimal) -> Decimal:
    if decimal_places(number) > MOST_DECIMALS:
        raise ValueError(f"there are {MOST_DECIMALS} decimal places at most")
    return number or Decimal(0)  # written out, `0E-999999999` would be a gigabyte of zeros


def not_empty[T](items: tuple[T, ...]) -> tuple[T, ...]:
    """Refuse what has no items.

    Pydantic's own `min_length` says of a tuple whose only item is malformed that it was empty besides.
    """
    if not items:
        raise ValueError("at least 1 item is needed")
    return items


def _sorted(codes: frozenset[str]) -> Sequence[str]:
    return sorted(codes)


_Number = Annotated[
    Decimal,
    BeforeValidator(_written_out),
    PlainSerializer(decimal_text, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": ["string", "integer"],
            "pattern": "^-?[0-9]+([.][0-9]+)?$",
            "description": "A decimal as text. Whole numbers may be JSON numbers; others are not exact there.",
            "examples": ["0.0025"],
        }
    ),
]

_KeptExactly = AfterValidator(_kept_exactly)

type Amount = _Number
"""An exact amount in units of a currency (dollars, not cents), of any sign and length; decimal text in JSON."""

type UnitPrice = Annotated[_Number, Field(ge=0, le=_LARGEST_PRICE), _KeptExactly]
"""What is charged for one unit, or a fee: units of a currency, a million millions at most."""

type Quantity = Annotated[_Number, Field(ge=0, le=LARGEST_QUANTITY), _KeptExactly]
"""How many units were used or bought."""

type PositiveQuantity = Annotated[_Number, Field(gt=0, le=LARGEST_QUANTITY), _KeptExactly]
"""How many units, more than none."""

type Percent = Annotated[_Number, Field(ge=0, le=100), _KeptExactly]
"""0 to 100."""

type Markup = Annotated[_Number, Field(ge=0, le=10_000), _KeptExactly]
"""Percent on top."""

type ExchangeRate = Annotated[_Number, Field(gt=0, le=_LARGEST_PRICE), _KeptExactly]
"""Units of a currency for one of another."""

type MinorUnits = int
"""An amount charged: cents of a currency that has them."""

type Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
"""What something is called by programs."""

type Codes = Annotated[frozenset[str], PlainSerializer(_sorted, return_type=list[str], when_used="json")]
"""Texts without an order, sorted in JSON so that equal sets are equal documents."""
