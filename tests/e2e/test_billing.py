"""The catalogue over the front door: the demo organization operates the laptop stack, and others see its plans."""

from uuid import uuid4

from tests.e2e.platform import Json, Platform

PLANS = "/api/v1/billing/plans"


async def account_of(platform: Platform) -> tuple[str, str]:
    """The address of the owner of another organization, and an API key, which may do everything there."""
    account = {"organization": "Customer", "email": f"{uuid4().hex}@example.org", "password": uuid4().hex}
    return account["email"], str((await platform.invoke("BootstrapFunction", account))["api_key"])


async def customer_of(platform: Platform) -> str:
    """An API key of another organization, which may do everything there."""
    return (await account_of(platform))[1]


async def make(platform: Platform, path: str, body: Json) -> Json:
    made = await platform.call("POST", f"/api/v1/billing/{path}", json=body, idempotency_key=uuid4().hex)
    assert made.status == 201, made
    return made.json()


async def offered_plan(platform: Platform) -> str:
    """The id of a plan that the operator offers: a fee, and a feature."""
    fee = {"code": "base", "name": "Base fee", "basis": "recurring", "price": {"kind": "flat", "amount": "20"}}
    version = {
        "currency": "USD",
        "cadence": {"interval": "month"},
        "charges": [fee],
        "features": [{"code": "sso", "name": "Single sign-on"}],
    }
    body = {"code": f"e2e-{uuid4().hex[:12]}", "name": "Team", "offered": True, "version": version}
    return str((await make(platform, "plans", body))["id"])


async def listed(platform: Platform, api_key: str) -> list[Json]:
    """The plans that a key's organization sees, of which other tests may have made some."""
    found: list[Json] = []
    cursor = ""
    while True:
        answer = (await platform.call("GET", f"{PLANS}?limit=100{cursor}", api_key=api_key)).json()
        found += answer["data"]
        if answer["next_cursor"] is None:
            return found
        cursor = f"&cursor={answer['next_cursor']}"


async def test_the_operator_offers_a_plan_and_another_organization_sees_it(platform: Platform) -> None:
    code, customer = f"e2e-{uuid4().hex[:12]}", await customer_of(platform)
    await make(platform, "meters", {"code": code, "name": "Cost", "aggregation": "sum", "fields": ["cost_usd"]})
    fee = {"code": "base", "name": "Base fee", "basis": "recurring", "price": {"kind": "flat", "amount": "20"}}
    passing_on = {"kind": "pass_through", "markup_percent": "10"}
    cost = {"code": "llm", "name": "LLM cost", "basis": "usage", "meter": code, "price": passing_on, "included": "5"}
    version = {"currency": "USD", "cadence": {"interval": "month"}, "charges": [fee, cost]}
    plan = await make(platform, "plans", {"code": code, "name": "Team", "version": version})
    path = f"{PLANS}/{plan['id']}"
    assert (await platform.call("GET", path, api_key=customer)).status == 404

    offered = await platform.call("POST", f"{path}/offer", if_match='"1"')
    assert (offered.status, offered.headers["etag"]) == (200, '"2"')
    second = await make(platform, f"plans/{plan['id']}/versions", {**version, "trial_days": 14})
    assert (await platform.call("POST", f"{path}/versions", json=version, if_match='"2"')).status == 412

    question = {"plan_id": plan["id"], "quantities": {code: "15"}, "starts_on": "2027-02-01"}
    preview = await platform.call("POST", f"{PLANS}/preview", api_key=customer, json=question)
    assert (preview.status, preview.json()["total"]) == (200, 3100), preview  # 20 dollars, and 10 with a tenth on top

    [seen] = [each for each in await listed(platform, customer) if each["code"] == code]
    assert seen["version"] == {**second, "created_by": None}
    assert seen["version"]["charges"][1]["price"] == {**passing_on, "usd_rate": None}

    archived = await platform.call("POST", f"{path}/archive")
    assert (archived.status, archived.json()["offered"]) == (200, False)
    assert code not in {each["code"] for each in await listed(platform, customer)}
    assert code in {each["code"] for each in await listed(platform, platform.api_key)}


async def test_an_organization_that_is_not_the_operator_makes_no_plans(platform: Platform) -> None:
    customer = await customer_of(platform)
    body = {"code": "mine", "name": "Mine", "aggregation": "count"}
    refused = await platform.call("POST", "/api/v1/billing/meters", api_key=customer, json=body)
    assert (refused.status, refused.problem()["type"]) == (403, "urn:llmo:problem:not_the_operator")


async def test_a_price_that_is_no_exact_number_is_refused_with_where_it_stands(platform: Platform) -> None:
    seats = {"code": "s", "name": "Seats", "basis": "seats", "price": {"kind": "per_unit", "unit_price": 0.1}}
    version = {"currency": "USD", "cadence": {"interval": "month"}, "charges": [seats]}
    refused = await platform.call("POST", PLANS, json={"code": "x", "name": "X", "version": version})
    [mistake] = refused.problem()["errors"]
    assert (refused.status, mistake["pointer"]) == (422, "/body/version/charges/0/price/unit_price")
    assert "write it as text" in mistake["message"]


async def test_an_organization_subscribes_uses_what_its_plan_has_and_is_told_of_the_end(platform: Platform) -> None:
    customer, plan_id = await customer_of(platform), await offered_plan(platform)

    async def call(method: str, path: str, status: int = 200, **body: object) -> Json:
        answer = await platform.call(
            method, f"/api/v1/billing/{path}", api_key=customer, json=body if method != "GET" else None
        )
        assert answer.status == status, answer
        return answer.json()

    await call("PUT", "account", name="Customer", time_zone="Pacific/Auckland")
    assert (await call("GET", "entitlements/sso"))["reason"] == "not_subscribed"
    made = await call("POST", "subscriptions", 201, plan_id=plan_id)
    assert (made["status"], made["time_zone"]) == ("active", "Pacific/Auckland")
    assert (await call("POST", "subscriptions", 409, plan_id=plan_id))["subscription_id"] == made["id"]
    assert (await call("GET", "entitlements/sso"))["allowed"] is True

    assert (await call("POST", f"subscriptions/{made['id']}/cancel"))["cancel_on"] is not None
    assert (await call("POST", f"subscriptions/{made['id']}/resume"))["cancel_on"] is None
    ended = await call("POST", f"subscriptions/{made['id']}/cancel", when="now")
    assert ended["status"] == "ended"
    assert (await platform.invoke("BillingTurnsFunction", {}))["subscriptions"] >= 0
    assert (await call("GET", "entitlements")) == {"data": []}
