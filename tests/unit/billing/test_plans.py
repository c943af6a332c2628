"""What a version of a plan must say."""

from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from billing.pricing.plans import PlanVersion
from tests.unit.billing.strategies import plans

FEE = {"code": "base", "name": "Base fee", "basis": "recurring", "price": {"kind": "flat", "amount": "20"}}
SEATS = {"code": "seats", "name": "Seats", "basis": "seats", "price": {"kind": "per_unit", "unit_price": "5"}}
COST = {"code": "llm", "name": "LLM cost", "basis": "usage", "meter": "cost", "price": {"kind": "pass_through"}}
RATED = {**COST, "price": {"kind": "pass_through", "usd_rate": "0.9"}}


def plan(*charges: dict[str, Any], currency: str = "USD", **others: object) -> PlanVersion:
    return PlanVersion.model_validate(
        {"currency": currency, "cadence": {"interval": "month"}, "charges": charges, **others}
    )


def test_of_a_malformed_charge_it_is_not_said_that_there_was_none() -> None:
    with pytest.raises(ValidationError) as refused:
        plan({**FEE, "code": "Base"})

    assert [problem["loc"] for problem in refused.value.errors()] == [("charges", 0, "code")]
    with pytest.raises(ValidationError, match="at least 1 item"):
        plan()


def test_a_plan_tells_what_is_due_in_advance_from_what_is_due_for_usage() -> None:
    version = plan(FEE, SEATS, COST)

    assert [charge.code for charge in version.in_advance] == ["base", "seats"]
    assert [charge.code for charge in version.for_usage] == ["llm"]


@pytest.mark.parametrize(
    ("charges", "currency", "error"),
    [
        ((FEE, COST), "EUR", "missing_exchange_rate"),
        ((FEE, COST), "JPY", "missing_exchange_rate"),
        ((RATED,), "USD", "needless_exchange_rate"),
    ],
)
def test_costs_in_dollars_need_a_rate_in_other_currencies_and_have_none_in_dollars(
    charges: tuple[dict[str, Any], ...], currency: str, error: str
) -> None:
    with pytest.raises(ValidationError, match="`llm` passes costs in USD on in") as refused:
        plan(*charges, currency=currency)

    assert [problem["type"] for problem in refused.value.errors()] == [error]
    assert plan(RATED, currency="EUR").currency == "EUR"


@pytest.mark.parametrize(
    ("charge", "problem"),
    [
        ({**FEE, "meter": "tokens"}, "no other charge has one"),
        ({**COST, "meter": None}, "a charge for usage has a meter"),
        ({**FEE, "included": "10"}, "nothing can be included in a flat price"),
        ({**FEE, "price": SEATS["price"]}, "a recurring charge has a flat price"),
        ({**SEATS, "price": FEE["price"]}, "no other charge has one"),
        ({**SEATS, "price": {"kind": "percentage", "percent": "1"}}, "`percentage` is for usage"),
        ({**SEATS, "price": {"kind": "pass_through"}}, "`pass_through` is for usage"),
        ({**COST, "included": "-1"}, "greater than or equal to 0"),
        ({**FEE, "code": "Base Fee"}, "match pattern"),
        ({**FEE, "name": " "}, "at least 1 character"),
    ],
)
def test_a_charge_that_makes_no_sense_is_refused(charge: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        plan(charge)


def test_a_code_names_one_charge() -> None:
    with pytest.raises(ValidationError, match="several charges with the code `base`"):
        plan(FEE, {**SEATS, "code": "base"})


@pytest.mark.parametrize(
    ("charges", "others"),
    [
        ((), {}),
        ((FEE,), {"trial_days": -1}),
        ((FEE,), {"trial_days": 731}),
        ((FEE,), {"cadence": {"interval": "month", "count": 0}}),
        ((FEE,), {"cadence": {"interval": "week"}}),
        ((FEE,), {"currency": "XXX"}),
    ],
)
def test_a_plan_without_charges_or_of_strange_length_or_currency_is_refused(
    charges: tuple[dict[str, Any], ...], others: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        PlanVersion.model_validate({"currency": "USD", "cadence": {"interval": "month"}, "charges": charges, **others})


@given(plans())
def test_a_plan_survives_json(version: PlanVersion) -> None:
    assert PlanVersion.model_validate_json(version.model_dump_json()) == version


def test_what_was_kept_before_there_were_features_is_read_as_a_plan_without_any() -> None:
    kept = plan(FEE).model_dump(mode="json")
    del kept["features"]
    assert PlanVersion.model_validate(kept) == plan(FEE)
    assert plan(FEE, COST).meters == {"cost"}


def test_features_have_codes_of_their_own_and_meters_that_the_plan_speaks_of() -> None:
    calls = {"code": "base", "name": "Calls", "limit": "1000", "meter": "calls"}
    assert plan(FEE, COST, features=[calls]).meters == {"calls", "cost"}
    with pytest.raises(ValidationError, match="several features with the code `base`"):
        plan(FEE, features=[calls, calls])
