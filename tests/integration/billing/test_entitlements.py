"""Entitlements: what a plan gives access to, as long as it is had and something is left."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.api_caller import problem
from tests.integration.billing.calling import FEE, Caller, Json, version
from tests.integration.billing.subscribing import Subscribing, did, offered, subscribed

FEATURES: list[Json] = [
    {"code": "calls", "name": "Calls", "limit": "1000", "meter": "calls"},
    {"code": "tokens", "name": "Tokens", "meter": "calls"},
    {"code": "projects", "name": "Projects", "limit": "3"},
    {"code": "sso", "name": "Single sign-on"},
    {"code": "support", "name": "Support", "limit": "0"},
]


async def plan(operator: Caller, code: str = "team") -> Json:
    await operator.meter()
    return await offered(operator, code, "20", features=FEATURES)


async def entitled(caller: Caller, feature: str) -> Json:
    answer = await caller("GET", f"entitlements/{feature}")
    assert answer.status_code == 200, answer.text
    shown: Json = answer.json()
    return shown


def refused(feature: str, reason: str) -> Json:
    nothing = dict.fromkeys(("name", "limit", "used", "remaining", "resets_at"))
    return {"feature": feature, "allowed": False, "reason": reason, **nothing}


async def test_what_is_left_of_a_feature_is_counted_in_the_current_period(
    operator: Caller, customer: Caller, reader: Caller, subscribing: Subscribing
) -> None:
    await subscribed(customer, await plan(operator))
    subscribing.usage.counted["calls"] = Decimal("999.5")
    calls = await entitled(reader, "calls")

    assert calls == {
        "feature": "calls",
        "name": "Calls",
        "allowed": True,
        "reason": None,
        "limit": "1000",
        "used": "999.5",
        "remaining": "0.5",
        "resets_at": "2027-02-28T00:00:00Z",
    }
    [period] = subscribing.usage.asked
    assert period.start.isoformat() == "2027-01-31T00:00:00+00:00"
    for used in ("1000", "1200"):
        subscribing.usage.counted["calls"] = Decimal(used)
        reached = await entitled(reader, "calls")
        assert (reached["allowed"], reached["reason"], reached["remaining"]) == (False, "limit_reached", "0")


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("tokens", {"allowed": True, "limit": None, "used": "7", "remaining": None}),
        ("projects", {"allowed": True, "limit": "3", "used": None, "remaining": None, "resets_at": None}),
        ("sso", {"allowed": True, "limit": None, "used": None}),
        ("support", {"allowed": False, "reason": "limit_reached", "limit": "0"}),
        ("teleport", refused("teleport", "not_in_plan")),
    ],
)
async def test_a_feature_may_have_no_limit_no_meter_or_no_place_in_the_plan(
    operator: Caller, customer: Caller, subscribing: Subscribing, feature: str, expected: dict[str, Any]
) -> None:
    await subscribed(customer, await plan(operator))
    subscribing.usage.counted["calls"] = Decimal(7)
    assert (await entitled(customer, feature)).items() >= expected.items()


async def test_nothing_is_allowed_before_during_a_pause_and_after_a_subscription(
    operator: Caller, customer: Caller, subscribing: Subscribing
) -> None:
    team = await plan(operator)
    assert await entitled(customer, "sso") == refused("sso", "not_subscribed")
    made = await subscribed(customer, team)
    listed = (await customer("GET", "entitlements")).json()["data"]
    assert [each["feature"] for each in listed] == ["calls", "tokens", "projects", "sso", "support"]
    assert listed[3] == await entitled(customer, "sso")
    await did(customer, made, "pause")
    assert (await entitled(customer, "sso"))["allowed"] is True

    subscribing.clock.set(2027, 2, 28)
    assert await entitled(customer, "sso") == refused("sso", "paused")
    assert (await customer("GET", "entitlements")).json() == {"data": []}
    await did(customer, made, "cancel")
    assert await entitled(customer, "sso") == refused("sso", "not_subscribed")


async def test_a_change_of_plan_changes_what_may_be_used(
    operator: Caller, customer: Caller, subscribing: Subscribing
) -> None:
    bare = await offered(operator, "bare", "10")
    made = await subscribed(customer, await plan(operator))
    await did(customer, made, "change", plan_id=bare["id"])
    assert (await entitled(customer, "sso"))["allowed"] is True
    subscribing.clock.set(2027, 2, 28)
    assert await entitled(customer, "sso") == refused("sso", "not_in_plan")


@pytest.mark.usefixtures("subscribing")
async def test_features_are_the_organizations_own(operator: Caller, customer: Caller) -> None:
    await subscribed(operator, await plan(operator))
    assert (await entitled(operator, "sso"))["allowed"] is True
    assert await entitled(customer, "sso") == refused("sso", "not_subscribed")
    nobody = Caller(customer.org, permissions=frozenset({"usage:read"}))
    assert problem(await nobody("GET", "entitlements/sso")) == (403, "missing_permission")
    assert problem(await customer("GET", "entitlements/S%00")) == (422, "malformed_request")


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ([FEATURES[3], FEATURES[3]], (422, "malformed_request")),
        ([{"code": "a", "name": "A", "limit": "-1"}], (422, "malformed_request")),
        ([{"code": "a", "name": "A", "limit": 1.5}], (422, "malformed_request")),
        ([{"code": "a", "name": "A", "meter": "unknown"}], (404, "unknown_meter")),
    ],
)
async def test_features_that_make_no_sense_are_refused(
    operator: Caller, features: list[Json], expected: tuple[int, str]
) -> None:
    body = {"code": "team", "name": "Team", "version": version(FEE, features=features)}
    assert problem(await operator("POST", "plans", json=body)) == expected
