"""Plans that make no sense are refused, by the name of what is wrong and in words that say what to do."""

from typing import Any

import pytest

from tests.integration.api_caller import problem
from tests.integration.billing.calling import CALLS, COST, FEE, Caller, Json, usage, version

PRICE = "/body/version/charges/0/price"
OPEN = {"up_to": None, "unit_price": "1"}


def until(up_to: object) -> Json:
    return {"up_to": up_to, "unit_price": "2"}


async def mistake(operator: Caller, body: Json) -> tuple[str, str]:
    """Where the only mistake of a plan is, and what it is."""
    answer = await operator("POST", "plans", json=body)
    assert problem(answer) == (422, "malformed_request"), answer.text
    [only] = answer.json()["errors"]
    assert await operator.listed("plans") == []
    return only["pointer"], only["message"]


def plan(*charges: Json, **others: Any) -> Json:
    return {"code": "team", "name": "Team", "version": version(*charges, **others)}


@pytest.mark.parametrize(
    ("price", "pointer", "message"),
    [
        ({"kind": "free"}, "", "'flat', 'per_unit', 'package', 'graduated', 'volume', 'percentage', 'pass_through'"),
        ({"unit_price": "1"}, "", "Unable to extract tag using discriminator 'kind'"),
        ({"kind": "per_unit"}, "/unit_price", "Field required"),
        ({"kind": "per_unit", "unit_price": 0.5}, "/unit_price", 'write it as text, such as "0.0025"'),
        ({"kind": "per_unit", "unit_price": 1.0}, "/unit_price", "write it as text"),
        ({"kind": "per_unit", "unit_price": True}, "/unit_price", "write it as text"),
        ({"kind": "per_unit", "unit_price": None}, "/unit_price", "Decimal"),
        ({"kind": "per_unit", "unit_price": "-1"}, "/unit_price", "greater than or equal to 0"),
        ({"kind": "per_unit", "unit_price": "0.0000000000001"}, "/unit_price", "12 decimal places at most"),
        ({"kind": "per_unit", "unit_price": "1E+999999999"}, "/unit_price", "less than or equal to 1000000000000"),
        ({"kind": "per_unit", "unit_price": 10**400}, "/unit_price", "less than or equal to 1000000000000"),
        ({"kind": "per_unit", "unit_price": "9" * 4000}, "/unit_price", "less than or equal to 1000000000000"),
        ({"kind": "per_unit", "unit_price": "1\0"}, "/unit_price", "valid decimal"),
        ({"kind": "per_unit", "unit_price": "NaN"}, "/unit_price", "finite"),
        ({"kind": "per_unit", "unit_price": "1", "size": "1"}, "/size", "not permitted"),
        ({"kind": "package", "size": "0", "package_price": "1"}, "/size", "greater than 0"),
        ({"kind": "graduated", "tiers": []}, "/tiers", "at least 1 item"),
        ({"kind": "graduated", "tiers": [until("10")]}, "/tiers", "give it `up_to: null`"),
        ({"kind": "graduated", "tiers": [OPEN, OPEN]}, "/tiers", "tier 1 has no end"),
        ({"kind": "volume", "tiers": [until("9"), until("8"), OPEN]}, "/tiers", "tiers ascend, and do not overlap"),
        ({"kind": "volume", "tiers": [until(9.5), OPEN]}, "/tiers/0/up_to", "write it as text"),
        ({"kind": "volume", "tiers": [*map(until, range(1, 101)), OPEN]}, "/tiers", "at most 100 items"),
        ({"kind": "percentage", "percent": "101"}, "/percent", "less than or equal to 100"),
        (
            {"kind": "percentage", "percent": "1", "minimum": "5", "cap": "4"},
            "",
            "cap of 4 lies below the minimum of 5",
        ),
    ],
)
async def test_a_price_that_makes_no_sense_is_refused(
    operator: Caller, price: Json, pointer: str, message: str
) -> None:
    where, what = await mistake(operator, plan(usage(price)))
    assert where == f"{PRICE}{pointer}"
    assert message in what


@pytest.mark.parametrize(
    ("body", "pointer", "message"),
    [
        (plan(*({**FEE, "code": f"c{number}"} for number in range(101))), "/version/charges", "at most 100 items"),
        (plan(FEE, FEE), "/version", "several charges with the code `base`"),
        (plan({**FEE, "meter": "calls"}), "/version/charges/0", "no other charge has one"),
        (plan({**usage({"kind": "per_unit", "unit_price": "1"}), "meter": None}), "/version/charges/0", "has a meter"),
        (plan({**FEE, "included": "1"}), "/version/charges/0", "nothing can be included in a flat price"),
        (plan({**FEE, "code": "Base"}), "/version/charges/0/code", "match pattern"),
        (plan(currency="DM"), "/version/currency", "Input should be 'AED'"),
        (plan(cadence={"interval": "week"}), "/version/cadence/interval", "'month' or 'year'"),
        (plan(cadence={"interval": "month", "count": 0}), "/version/cadence/count", "greater than or equal to 1"),
        (plan(trial_days=10_000), "/version/trial_days", "less than or equal to 730"),
        (plan(usage({"kind": "pass_through"}), currency="EUR"), "/version", "say what a dollar is worth in `usd_rate`"),
        (plan(usage({"kind": "pass_through", "usd_rate": "1"})), "/version", "leave `usd_rate` out"),
        ({**plan(), "code": "Team"}, "/code", "match pattern"),
        ({**plan(), "code": "team\n"}, "/code", "match pattern"),
        ({**plan(), "code": "x" * 64}, "/code", "match pattern"),
        ({**plan(), "name": "Te\0am"}, "/name", "match pattern"),
        ({**plan(), "name": "x" * 201}, "/name", "at most 200 characters"),
        ({**plan(), "description": "\0"}, "/description", "match pattern"),
        ({**plan(), "offered": "yes"}, "/offered", "valid boolean"),
        ({**plan(), "price": "1"}, "/price", "not permitted"),
        ({"code": "team", "name": "Team"}, "/version", "Field required"),
        ({**plan(), "version": []}, "/version", "valid dictionary"),
    ],
)
async def test_a_plan_that_makes_no_sense_is_refused(operator: Caller, body: Json, pointer: str, message: str) -> None:
    where, what = await mistake(operator, body)
    assert where == f"/body{pointer}"
    assert message in what


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff", b'{"code": "\\ud800"}', b"[" * 100_000, b'{"code": ' + b"9" * 5000 + b"}", b"null", b"NaN"],
)
async def test_a_body_that_is_no_plan_at_all_is_refused_and_no_defect(operator: Caller, content: bytes) -> None:
    answer = await operator("POST", "plans", content=content, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}, answer.text
    problem(answer)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (5, "5"),
        (0, "0"),
        ("0.000000000001", "0.000000000001"),
        ("1000000000000", "1000000000000"),
        (10**12, "1000000000000"),
        ("1.500", "1.5"),
        ("1E+3", "1000"),
        ("0E-999999999", "0"),
        ("-0", "0"),
        (" 2 ", "2"),
    ],
)
async def test_decimals_are_text_or_whole_numbers_and_come_back_as_text(
    operator: Caller, given: object, shown: str
) -> None:
    await operator.meter()
    plan = await operator.plan("team", usage({"kind": "per_unit", "unit_price": given}))
    read = (await operator("GET", f"plans/{plan['id']}")).json()

    assert plan["version"]["charges"][0]["price"]["unit_price"] == shown
    assert read == plan


async def test_names_of_any_script_are_kept_as_they_are(operator: Caller) -> None:
    name, description = "Für 团队 \u202e 👩\u200d👩\u200d👧", "Zeile 1\nZeile 2\t𝛌 é"
    made = await operator.plan(name=name, description=description)
    shown = (await operator("GET", f"plans/{made['id']}")).json()
    assert (shown["name"], shown["description"]) == (name, description)


async def test_the_largest_plan_is_kept(operator: Caller) -> None:
    await operator.made("meters", **CALLS)
    await operator.made("meters", **COST)
    tiers = [{"up_to": str(end), "unit_price": "0.123456789012"} for end in range(1, 100)] + [OPEN]
    price = {"kind": "graduated", "tiers": tiers}
    charges = [{**usage(price), "code": f"c{number}", "included": str(10**18)} for number in range(100)]
    made = await operator.plan("team", *charges, offered=True)

    assert (await operator("GET", f"plans/{made['id']}")).json() == made
    assert len(made["version"]["charges"]) == 100
