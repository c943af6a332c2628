"""Prices that make no sense are refused, with what is wrong with them."""

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from billing.pricing.prices import Price

PRICE: TypeAdapter[Price] = TypeAdapter(Price)
OPEN = {"up_to": None, "unit_price": "1"}


def per_unit(unit_price: object) -> dict[str, Any]:
    return {"kind": "per_unit", "unit_price": unit_price}


def until(up_to: object) -> dict[str, Any]:
    return {"up_to": up_to, "unit_price": "1"}


@pytest.mark.parametrize(
    ("price", "problem"),
    [
        ({"kind": "free"}, "'flat', 'per_unit', 'package', 'graduated', 'volume', 'percentage', 'pass_through'"),
        (per_unit("-0.01"), "greater than or equal to 0"),
        (per_unit("0.0000000000001"), "12 decimal places"),
        (per_unit("1000000000.00000000000000000001"), "12 decimal places"),
        (per_unit("1E-999999999"), "12 decimal places"),
        (per_unit("1000000000000.1"), "less than or equal to 1000000000000"),
        (per_unit("1E+999999"), "less than or equal to 1000000000000"),
        (per_unit("NaN"), "finite"),
        (per_unit("Infinity"), "finite"),
        (per_unit(0.1), "write it as text"),
        (per_unit(True), "write it as text"),  # noqa: FBT003 - what a body may hold
        (per_unit("ten"), "valid decimal"),
        ({"kind": "package", "size": "0", "package_price": "1"}, "greater than 0"),
        ({"kind": "percentage", "percent": "100.1"}, "less than or equal to 100"),
        ({"kind": "percentage", "percent": "1", "minimum": "5", "cap": "4"}, "cap of 4 lies below the minimum of 5"),
        ({"kind": "pass_through", "markup_percent": "-1"}, "greater than or equal to 0"),
        ({"kind": "pass_through", "usd_rate": "0"}, "greater than 0"),
        ({"kind": "flat", "amount": "1", "unit_price": "1"}, "not permitted"),
    ],
)
def test_a_price_that_makes_no_sense_is_refused(price: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        PRICE.validate_python(price)


@pytest.mark.parametrize("zero", ["0", "-0", "0.000", "0E-999999999", "0E+999999"])
def test_nothing_is_written_out_as_one_digit_however_it_was_given(zero: str) -> None:
    price = PRICE.validate_python(per_unit(zero))

    assert PRICE.dump_python(price, mode="json") == per_unit("0")


@pytest.mark.parametrize("whole", [5, "5", "5.0", "05"])
def test_whole_numbers_may_be_written_as_numbers(whole: object) -> None:
    price = PRICE.validate_json(json.dumps(per_unit(whole)))

    assert PRICE.dump_python(price, mode="json") == per_unit("5")


@pytest.mark.parametrize("kind", ["graduated", "volume"])
@pytest.mark.parametrize(
    ("tiers", "problem"),
    [
        ([], "at least 1 item"),
        ([until("10")], "last tier ends at 10: units beyond it would have no price"),
        ([until("10"), until("20")], "last tier ends at 20"),
        ([OPEN, until("10"), OPEN], "tier 1 has no end, so that no unit ever reaches tier 2"),
        ([until("20"), until("10"), OPEN], "tier 2 ends at 10, where tier 1 has not ended before 20"),
        ([until("10"), until("10.0"), OPEN], "tiers ascend, and do not overlap"),
        ([until("0"), OPEN], "greater than 0"),
        ([until("-1"), OPEN], "greater than 0"),
        ([until("1E+19"), OPEN], "less than or equal to"),
        ([*(until(number) for number in range(1, 101)), OPEN], "at most 100 items"),
        ([{"up_to": None, "unit_price": "1", "flat_fee": "-1"}], "greater than or equal to 0"),
    ],
)
def test_tiers_that_leave_units_without_one_price_are_refused(
    kind: str, tiers: list[dict[str, Any]], problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem):
        PRICE.validate_python({"kind": kind, "tiers": tiers})


def test_zeros_at_the_end_are_no_decimal_places() -> None:
    assert PRICE.validate_python(per_unit("0.10000000000000")) == PRICE.validate_python(per_unit("0.1"))
