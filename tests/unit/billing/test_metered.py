"""A charge for usage has a meter that counts in the unit of its price."""

from typing import Any

import pytest

from billing.metering.meters import Meter
from billing.pricing.metered import UnfittingMeter, UnknownMeter, require_meters
from billing.pricing.plans import PlanVersion

METERS = {
    code: Meter.model_validate({"code": code, "name": code, **definition})
    for code, definition in {
        "tokens": {"aggregation": "sum", "fields": ["input_tokens", "output_tokens"]},
        "cost": {"aggregation": "sum", "fields": ["cost_usd"]},
        "users": {"aggregation": "unique", "fields": ["end_user"]},
        "sales": {"aggregation": "sum", "fields": ["amount"], "event": "sale.made"},
    }.items()
}
THROUGH = {"kind": "pass_through"}
PERCENTAGE = {"kind": "percentage", "percent": "5"}
PER_UNIT = {"kind": "per_unit", "unit_price": "1"}


def plan(price: dict[str, Any], meter: str, currency: str) -> PlanVersion:
    rate = {"usd_rate": "0.9"} if price is THROUGH and currency != "USD" else {}
    charge = {"code": "it", "name": "It", "basis": "usage", "meter": meter, "price": {**price, **rate}}
    return PlanVersion.model_validate({"currency": currency, "cadence": {"interval": "month"}, "charges": [charge]})


@pytest.mark.parametrize(
    ("price", "meter", "currency"),
    [
        (THROUGH, "cost", "USD"),
        (THROUGH, "cost", "EUR"),
        (PERCENTAGE, "cost", "USD"),
        (PERCENTAGE, "sales", "EUR"),
        (PER_UNIT, "tokens", "EUR"),
        (PER_UNIT, "users", "EUR"),
    ],
)
def test_a_price_in_the_unit_of_its_meter_is_taken(price: dict[str, Any], meter: str, currency: str) -> None:
    require_meters(plan(price, meter, currency), METERS)


@pytest.mark.parametrize(
    ("price", "meter", "currency", "problem"),
    [
        (THROUGH, "tokens", "USD", "`tokens` does not count US dollars"),
        (THROUGH, "users", "EUR", "`users` does not count US dollars"),
        (THROUGH, "sales", "EUR", "`sales` does not count US dollars"),
        (PERCENTAGE, "cost", "EUR", "a percentage in EUR, and `cost` counts US dollars"),
    ],
)
def test_a_price_in_another_unit_is_refused(price: dict[str, Any], meter: str, currency: str, problem: str) -> None:
    with pytest.raises(UnfittingMeter, match=problem):
        require_meters(plan(price, meter, currency), METERS)


def test_a_meter_that_nobody_has_defined_counts_nothing() -> None:
    with pytest.raises(UnknownMeter, match="`lost`"):
        require_meters(plan(PER_UNIT, "lost", "USD"), METERS)
