"""Who may do what: the operator writes, all others read, and where there is no operator there is nothing."""

from typing import Any

import pytest

from billing.api import app
from tests.integration.api_caller import problem
from tests.integration.billing.calling import CALLS, READER, WRITER, Caller, Catalogue, version
from tests.integration.organizations import MakeOrg

PLAN = {"code": "team", "name": "Team", "version": version()}


def writes(plan: dict[str, Any]) -> list[tuple[str, Any]]:
    path = f"plans/{plan['id']}"
    return [
        ("plans", {**PLAN, "code": "other"}),
        (f"{path}/versions", version()),
        (f"{path}/offer", None),
        (f"{path}/archive", None),
        ("meters", {**CALLS, "code": "other"}),
    ]


async def test_nobody_but_the_operator_writes_whatever_they_may_do_in_their_own_organization(
    operator: Caller, customer: Caller, catalogue: Catalogue
) -> None:
    plan = await operator.plan(offered=True)
    for path, body in writes(plan):
        refused = await customer("POST", path, json=body)
        assert problem(refused) == (403, "not_the_operator"), path
        assert "OPERATOR_ORG_ID" in refused.json()["detail"]
    assert await operator.listed("plans") == [plan]
    assert await operator.listed("meters") == []
    assert await catalogue.announced(customer.org.org_id) == []


async def test_of_the_operators_people_those_write_who_may(operator: Caller) -> None:
    plan = await operator.plan()
    for permissions in (READER, frozenset({"budgets:write"})):
        other = Caller(operator.org, permissions=permissions)
        for path, body in writes(plan):
            assert problem(await other("POST", path, json=body)) == (403, "missing_permission"), path
    assert await Caller(operator.org, permissions=READER).listed("plans") == [plan]


@pytest.mark.parametrize("permissions", [frozenset[str](), frozenset({"usage:read"}), WRITER - READER])
async def test_whoever_may_not_read_billing_sees_nothing(
    operator: Caller, customer: Caller, permissions: frozenset[str]
) -> None:
    plan = await operator.plan(offered=True)
    other = Caller(customer.org, permissions=permissions)
    for path in ("plans", f"plans/{plan['id']}", f"plans/{plan['id']}/versions", "meters", "meters/calls"):
        assert problem(await other("GET", path)) == (403, "missing_permission"), path


async def test_where_nobody_operates_the_deployment_there_are_no_plans(operator: Caller, catalogue: Catalogue) -> None:
    plan = await operator.plan(offered=True)
    await operator.meter()
    catalogue.operator_id = None

    assert problem(await operator("POST", "plans", json=PLAN)) == (403, "not_the_operator")
    assert await operator.listed("plans") == []
    assert await operator.listed("meters") == []
    assert problem(await operator("GET", f"plans/{plan['id']}")) == (404, "unknown_plan")
    assert problem(await operator("GET", "meters/calls")) == (404, "unknown_meter")


async def test_another_operator_has_another_catalogue(
    operator: Caller, catalogue: Catalogue, make_org: MakeOrg
) -> None:
    plan = await operator.plan(offered=True)
    await operator.meter()
    successor = Caller(await make_org())
    catalogue.operator_id = successor.org.org_id

    assert await successor.listed("plans") == []
    assert problem(await successor("POST", f"plans/{plan['id']}/archive")) == (404, "unknown_plan")
    await successor.plan(offered=True)
    await successor.meter()
    assert [entry["created_by"] for entry in await operator.listed("plans")] == [None]
    assert problem(await operator("POST", "plans", json=PLAN)) == (403, "not_the_operator")


def test_every_route_is_in_the_document_with_what_it_refuses() -> None:
    paths = app.openapi()["paths"]
    posts = {path: methods["post"] for path, methods in paths.items() if "post" in methods}
    del posts["/api/v1/billing/plans/preview"]  # writes nothing
    operators = {"meters", "payments", "plans"}  # the others are every organization's
    posts = {path: post for path, post in posts.items() if path.split("/")[4] in operators}
    assert len(posts) == 6
    for path, post in posts.items():
        assert "operates" in post["responses"]["403"]["description"], path
