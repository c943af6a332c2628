"""What quantities cost, exactly, and in parts that somebody else can add up."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from pydantic import TypeAdapter

from billing.pricing.components import Part, UnratableQuantity, amount_of
from billing.pricing.prices import Flat, Graduated, Package, Price, Volume, exact_amount
from billing.pricing.tiers import PriceTier
from tests.unit.billing.strategies import allowances, flats, prices, quantities, tiers

PRICE: TypeAdapter[Price] = TypeAdapter(Price)
STEPS = [
    {"up_to": "10", "unit_price": "2", "flat_fee": "5"},
    {"up_to": "20", "unit_price": "1"},
    {"up_to": None, "unit_price": "0.5", "flat_fee": "3"},
]
PRICES: dict[str, dict[str, Any]] = {
    "flat": {"kind": "flat", "amount": "20"},
    "per_unit": {"kind": "per_unit", "unit_price": "0.000000000001"},
    "package": {"kind": "package", "size": "1000", "package_price": "3"},
    "graduated": {"kind": "graduated", "tiers": STEPS},
    "volume": {"kind": "volume", "tiers": STEPS},
    "percentage": {"kind": "percentage", "percent": "2.5", "fixed_fee": "1", "minimum": "3", "cap": "10"},
    "pass_through": {"kind": "pass_through", "markup_percent": "20"},
    "in euros": {"kind": "pass_through", "markup_percent": "20", "usd_rate": "0.9"},
}


@pytest.mark.parametrize(
    ("name", "quantity", "included", "amount"),
    [
        ("flat", "0", "0", "20"),
        ("flat", "7", "100", "20"),
        ("per_unit", "3", "0", "0.000000000003"),
        ("per_unit", "3.5", "3", "0.0000000000005"),
        ("per_unit", "3", "3", "0"),
        ("package", "0", "0", "0"),
        ("package", "1", "0", "3"),
        ("package", "1000", "0", "3"),
        ("package", "1000.000000000001", "0", "6"),
        ("package", "1500", "500", "3"),
        ("package", "1501", "500", "6"),
        ("graduated", "0", "0", "0"),
        ("graduated", "10", "0", "25"),
        ("graduated", "10.5", "0", "25.5"),
        ("graduated", "20", "0", "35"),
        ("graduated", "20.5", "0", "38.25"),
        ("graduated", "25", "0", "40.5"),
        ("graduated", "25", "15", "25"),
        ("volume", "0", "0", "0"),
        ("volume", "10", "0", "25"),
        ("volume", "11", "0", "11"),
        ("volume", "20", "0", "20"),
        ("volume", "25", "0", "15.5"),
        ("volume", "25", "15", "25"),
        ("percentage", "0", "0", "0"),
        ("percentage", "1", "0", "3"),
        ("percentage", "100", "0", "3.5"),
        ("percentage", "1000", "0", "10"),
        ("percentage", "1000", "900", "3.5"),
        ("percentage", "1000", "1000", "0"),
        ("pass_through", "0.000000000001", "0", "0.0000000000012"),
        ("pass_through", "10", "4", "7.2"),
        ("pass_through", "4", "10", "0"),
        ("in euros", "10", "4", "6.48"),
    ],
)
def test_every_kind_of_price_and_what_is_included_in_it(name: str, quantity: str, included: str, amount: str) -> None:
    price = PRICE.validate_python(PRICES[name])

    assert exact_amount(price, Decimal(quantity), Decimal(included)) == Decimal(amount)


def test_the_components_of_tiers_say_what_lies_where() -> None:
    graduated = PRICE.validate_python(PRICES["graduated"]).rate(Decimal(12), Decimal(1))

    assert [component.model_dump(mode="json") for component in graduated] == [
        {
            "part": "units",
            "units": "10",
            "quantity": "10",
            "unit_price": "2",
            "flat_fee": "5",
            "tier": {"above": "0", "up_to": "10"},
            "amount": "25",
        },
        {
            "part": "units",
            "units": "1",
            "quantity": "1",
            "unit_price": "1",
            "flat_fee": "0",
            "tier": {"above": "10", "up_to": "20"},
            "amount": "1",
        },
    ]


def test_minimum_and_cap_are_components_of_their_own() -> None:
    percentage = PRICE.validate_python(PRICES["percentage"])

    parts = [
        [(part.part, part.amount) for part in percentage.rate(Decimal(units))] for units in (1, 80, 100, 360, 1000)
    ]

    assert parts == [
        [(Part.PERCENTAGE, Decimal("1.025")), (Part.MINIMUM, Decimal("1.975"))],
        [(Part.PERCENTAGE, Decimal(3))],
        [(Part.PERCENTAGE, Decimal("3.5"))],
        [(Part.PERCENTAGE, Decimal(10))],
        [(Part.PERCENTAGE, Decimal(26)), (Part.CAP, Decimal(-16))],
    ]


def test_packages_are_charged_by_number_and_show_their_units() -> None:
    (component,) = Package(size=Decimal(1000), package_price=Decimal(3)).rate(Decimal(2500))

    assert [component.units, component.quantity, component.unit_price] == [2500, 3, 3]


@given(prices(), quantities, allowances)
def test_components_add_up_and_each_follows_from_what_it_shows(
    price: Price, quantity: Decimal, included: Decimal
) -> None:
    components = price.rate(quantity, included)

    for part in components:
        assert Fraction(part.amount) == Fraction(part.quantity) * Fraction(part.unit_price) + Fraction(part.flat_fee)
    assert Fraction(amount_of(components)) == sum(Fraction(part.amount) for part in components)
    assert sum(Fraction(part.units) for part in components) == max(Fraction(quantity) - Fraction(included), 0)


@given(prices(), quantities, allowances)
def test_what_is_included_is_as_if_it_had_not_been_used(price: Price, quantity: Decimal, included: Decimal) -> None:
    assume(quantity <= included or Fraction(quantity) - Fraction(included) < 10**6)
    beyond = max(Fraction(quantity) - Fraction(included), Fraction(0)) * 10**12
    assert beyond.denominator == 1

    assert exact_amount(price, quantity, included) == exact_amount(price, Decimal(f"{beyond.numerator}E-12"))


@given(flats, quantities, allowances)
def test_a_flat_price_is_due_whatever_is_used(price: Flat, quantity: Decimal, included: Decimal) -> None:
    assert exact_amount(price, quantity, included) == price.amount


@given(tiers(), quantities)
def test_graduated_charges_each_unit_where_it_lies_and_volume_all_where_the_last_lies(
    given_tiers: tuple[PriceTier, ...], quantity: Decimal
) -> None:
    cost = last = Fraction(0)
    begin = Fraction(0)
    for tier in given_tiers:
        end = Fraction(quantity) if tier.up_to is None else min(Fraction(tier.up_to), Fraction(quantity))
        if end > begin:
            cost += (end - begin) * Fraction(tier.unit_price) + Fraction(tier.flat_fee)
            last = Fraction(quantity) * Fraction(tier.unit_price) + Fraction(tier.flat_fee)
        begin = max(begin, end)

    assert Fraction(exact_amount(Graduated(tiers=given_tiers), quantity)) == cost
    assert Fraction(exact_amount(Volume(tiers=given_tiers), quantity)) == last


@given(prices())
def test_a_price_survives_json(price: Price) -> None:
    assert PRICE.validate_json(PRICE.dump_json(price)) == price


@pytest.mark.parametrize("quantity", ["-1", "-0.000000000001", "NaN", "sNaN", "Infinity", "1E+19", "1E-13", "1E+9999"])
@pytest.mark.parametrize("name", list(PRICES))
def test_no_price_is_asked_for_what_is_no_quantity(name: str, quantity: str) -> None:
    price = PRICE.validate_python(PRICES[name])

    with pytest.raises(UnratableQuantity):
        price.rate(Decimal(quantity))
    with pytest.raises(UnratableQuantity):
        price.rate(Decimal(1), Decimal(quantity))
