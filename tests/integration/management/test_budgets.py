"""Budgets over HTTP."""

from datetime import UTC, datetime
from typing import Any

import pytest

from llmo_core.ids import new_id
from tests.integration.management.calling import Caller, Management
from tests.integration.management.clocks import At


async def test_a_budget_is_set_and_shown(caller: Caller, management: Management) -> None:
    management.clock = At(datetime(2026, 11, 25, tzinfo=UTC))
    answer = await caller(
        "POST", "budgets", json={"name": " All ", "scope": "organization", "window": "month", "limit_usd": "1000.50"}
    )
    made = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    shown = {name: made[name] for name in made.keys() - {"id", "created_at", "updated_at"}}
    assert shown == {
        "name": "All",
        "scope": "organization",
        "subject": None,
        "window": "month",
        "limit_usd": "1000.5",
        "hard": True,
        "alerts": [50, 80, 95, 100],
        "window_starts": "2026-11-01",
        "spent_usd": "0",
        "held_usd": "0",
        "version": 1,
        "created_by": str(caller.org.key_id),
    }
    assert (await caller("GET", f"budgets/{made['id']}")).json() == made
    assert (await caller("GET", "budgets")).json() == {"data": [made], "next_cursor": None}


@pytest.mark.parametrize(
    "change",
    [
        {"scope": "team"},
        {"window": "year"},
        {"limit_usd": "-1"},
        {"limit_usd": "9000000.000000000001"},
        {"limit_usd": "0.0000000000001"},
        {"limit_usd": "NaN"},
        {"limit_usd": None},
        {"hard": 1},
        {"hard": None},
        {"alerts": [0]},
        {"alerts": [101]},
        {"alerts": ["half"]},
        {"alerts": [*range(1, 22)]},
        {"alerts": None},
        {"name": ""},
        {"name": "a\nb"},
        {"subject": "anybody"},
        {"scope": "project", "subject": "mine"},
        {"scope": "key", "subject": ""},
        {"scope": "end_user", "subject": ""},
        {"scope": "end_user", "subject": "a\x00b"},
        {"scope": "end_user", "subject": "x" * 257},
        {"spent_usd": "0"},
    ],
)
async def test_a_malformed_budget_is_refused(caller: Caller, change: dict[str, Any]) -> None:
    good = {"name": "Budget", "scope": "organization", "window": "day", "limit_usd": "1"}
    assert (await caller("POST", "budgets", json={**good, **change})).status_code == 422
    budget = await caller.budget()
    assert (await caller("PATCH", f"budgets/{budget['id']}", json=change)).status_code == 422


async def test_alerts_are_each_told_once_and_in_order(caller: Caller) -> None:
    assert (await caller.budget(alerts=[100, 50, 100, 1]))["alerts"] == [1, 50, 100]
    assert (await caller.budget(alerts=[]))["alerts"] == []


@pytest.mark.parametrize("scope", ["project", "key"])
async def test_an_id_is_written_as_the_gateway_writes_it(caller: Caller, scope: str) -> None:
    subject = new_id()
    budget = await caller.budget(scope=scope, subject=f"{{{str(subject).upper()}}}")
    assert budget["subject"] == str(subject)


@pytest.mark.parametrize("limit", ["0", "9000000", 0.5])
async def test_a_limit_is_an_amount_that_redis_counts(caller: Caller, limit: str | float) -> None:
    assert (await caller.budget(limit_usd=limit))["limit_usd"] == str(limit)


async def test_a_change_is_made_to_the_version_that_it_is_meant_for_announced_and_told(
    caller: Caller, management: Management
) -> None:
    budget = await caller.budget()
    path = f"budgets/{budget['id']}"
    versions = {await management.config_version(caller.org)}
    body = {"limit_usd": "20", "hard": False, "alerts": [90], "name": "Twice"}
    changed = await caller("PATCH", path, json=body, headers={"If-Match": '"1"'})
    versions.add(await management.config_version(caller.org))
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert changed.json() | body == changed.json()
    stale = await caller("PATCH", path, json={"hard": True}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:llmo:problem:changed_meanwhile")
    assert (await caller("PATCH", path, json={})).headers["etag"] == '"2"'
    assert (await caller("DELETE", path)).status_code == 204
    versions.add(await management.config_version(caller.org))
    assert len(versions) == 3
    for method in ("GET", "DELETE"):
        assert (await caller(method, path)).json()["type"] == "urn:llmo:problem:unknown_budget"
    created, altered, removed = await management.announced(caller.org.org_id)
    assert created.type == "llmo.integration.budget.created"
    assert (created.data["limit_usd"], created.data["window"]) == ("10", "month")
    assert (altered.type, altered.data["changed"]) == ("llmo.integration.budget.changed", sorted(body))
    assert (removed.type, removed.data["name"]) == ("llmo.integration.budget.removed", "Twice")


@pytest.mark.parametrize("fixed", [{"scope": "key"}, {"subject": "ada"}, {"window": "day"}])
async def test_whom_a_budget_is_for_and_its_window_stay(caller: Caller, fixed: dict[str, str]) -> None:
    budget = await caller.budget()
    assert (await caller("PATCH", f"budgets/{budget['id']}", json=fixed)).status_code == 422


async def test_a_repeated_request_sets_one_budget(caller: Caller) -> None:
    body = {"name": "Once", "scope": "organization", "window": "day", "limit_usd": "1"}
    first, again = [await caller("POST", "budgets", json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert (first.status_code, again.json(), again.headers["etag"]) == (201, first.json(), '"1"')
    assert len((await caller("GET", "budgets")).json()["data"]) == 1
    other = await caller("POST", "budgets", json={**body, "limit_usd": "2"}, headers={"Idempotency-Key": "once"})
    assert other.status_code == 422


async def test_lists_have_pages(caller: Caller) -> None:
    names = [(await caller.budget(name=str(number)))["name"] for number in range(3)]
    first = (await caller("GET", "budgets?limit=2")).json()
    second = (await caller("GET", f"budgets?limit=2&cursor={first['next_cursor']}")).json()
    assert [budget["name"] for budget in first["data"] + second["data"]] == names[::-1]
    assert second["next_cursor"] is None


async def test_what_is_another_organizations_is_not_there(caller: Caller, stranger: Caller) -> None:
    budget = await caller.budget()
    path = f"budgets/{budget['id']}"
    calls = [("GET", path, None), ("PATCH", path, {"hard": False}), ("DELETE", path, None)]
    for method, target, body in [*calls, ("GET", f"{path}/spending", None)]:
        assert (await stranger(method, target, json=body)).status_code == 404, (method, target)
    assert (await stranger("GET", "budgets")).json()["data"] == []


async def test_a_reader_changes_nothing_and_others_see_nothing(caller: Caller) -> None:
    budget = await caller.budget()
    path = f"budgets/{budget['id']}"
    reader = Caller(caller.org, permissions=frozenset({"budgets:read"}))
    nobody = Caller(caller.org, permissions=frozenset({"models:read", "models:write"}))
    for method, target in (("GET", path), ("GET", "budgets"), ("GET", f"{path}/spending")):
        assert (await reader(method, target)).status_code == 200
        assert (await nobody(method, target)).status_code == 403
    for method, target in (("PATCH", path), ("DELETE", path)):
        assert (await reader(method, target, json={})).status_code == 403
