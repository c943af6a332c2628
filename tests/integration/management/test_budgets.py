"""Budgets over HTTP, and what the gateway counted for them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from integration.budget_windows import Scope, counter, index
from llmo_core.ids import new_id
from tests.integration.management.calling import Caller, Management

NOW = datetime(2026, 11, 25, 20, 30, tzinfo=UTC)  # a Wednesday; the next day in Tokyo
PICO = 10**12


class At:
    """Tells one moment."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


class Gateway:
    """Counts as the gateway does."""

    def __init__(self, redis: Redis, caller: Caller) -> None:
        self._redis = redis
        self._tag = f"{{{caller.org.org_ref}}}"

    async def count(
        self, budget: dict[str, Any], subject: str, starts: str, *, spent: int, held: int = 0, each: bool = False
    ) -> None:
        """Amounts in pico-dollars."""
        name = counter(budget["id"], Scope(budget["scope"]), subject, starts)
        await self._redis.hset(f"{self._tag}{name}", mapping={"spent": spent, "held": held})
        if each:
            await self._redis.zadd(f"{self._tag}{index(budget['id'], starts)}", {subject: spent})


@pytest.fixture
def gateway(redis_client: Redis, caller: Caller) -> Gateway:
    return Gateway(redis_client, caller)


@pytest.fixture(autouse=True)
def clock(management: Management) -> At:
    management.clock = clock = At(NOW)
    return clock


async def test_a_budget_is_set_and_shown(caller: Caller) -> None:
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


@pytest.mark.parametrize(
    ("window", "starts"), [("day", "2026-11-26"), ("week", "2026-11-23"), ("month", "2026-11-01"), ("total", "total")]
)
async def test_what_the_gateway_counted_in_the_present_window_is_shown(
    caller: Caller, gateway: Gateway, window: str, starts: str
) -> None:
    await caller("PUT", "settings", json={"time_zone": "Asia/Tokyo"})
    everybody = await caller.budget(window=window)
    await gateway.count(everybody, str(caller.org.org_id), starts, spent=9_000_000 * PICO, held=1)
    ada = await caller.budget(scope="end_user", subject=" Ada\t\n{é}", window=window)
    await gateway.count(ada, " Ada\t\n{é}", starts, spent=PICO // 2)
    project = await caller.budget(scope="project", subject=str(caller.org.project_id), window=window)

    listed = (await caller("GET", "budgets")).json()["data"]

    amounts = [(budget["id"], budget["spent_usd"], budget["held_usd"]) for budget in listed]
    assert amounts == [
        (project["id"], "0", "0"),
        (ada["id"], "0.5", "0"),
        (everybody["id"], "9000000", "0.000000000001"),
    ]
    assert {budget["window_starts"] for budget in listed} == {starts}
    assert (await caller("GET", f"budgets/{ada['id']}")).json() == listed[1]


async def test_another_window_begins_at_nothing(caller: Caller, gateway: Gateway, clock: At) -> None:
    budget = await caller.budget(window="day")
    await gateway.count(budget, str(caller.org.org_id), "2026-11-25", spent=PICO)
    clock.moment = datetime(2026, 11, 26, tzinfo=UTC)
    shown = (await caller("GET", f"budgets/{budget['id']}")).json()
    assert (shown["window_starts"], shown["spent_usd"]) == ("2026-11-26", "0")


async def test_whom_a_budget_counts_is_listed_those_first_who_spent_the_most(caller: Caller, gateway: Gateway) -> None:
    budget = await caller.budget(scope="end_user", window="day")
    for number, user in enumerate(["ada", "bob", "{cy}\né", "dan", "eve"]):
        await gateway.count(budget, user, "2026-11-25", spent=number * PICO, held=1 - number % 2, each=True)
    path = f"budgets/{budget['id']}"
    shown = (await caller("GET", path)).json()
    assert (shown["spent_usd"], shown["held_usd"]) == (None, None)

    pages: list[list[tuple[str, str, str]]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await caller("GET", f"{path}/spending?limit=2{cursor and f'&cursor={cursor}'}")).json()
        assert page["window_starts"] == "2026-11-25"
        pages.append([(entry["subject"], entry["spent_usd"], entry["held_usd"]) for entry in page["data"]])
        cursor = page["next_cursor"]

    held = "0.000000000001"
    assert pages == [
        [("eve", "4", held), ("dan", "3", "0")],
        [("{cy}\né", "2", held), ("bob", "1", "0")],
        [("ada", "0", held)],
    ]


async def test_a_budget_of_one_subject_lists_that_one(caller: Caller, gateway: Gateway) -> None:
    budget = await caller.budget(scope="end_user", subject="ada", window="total")
    await gateway.count(budget, "ada", "total", spent=PICO)
    spending = (await caller("GET", f"budgets/{budget['id']}/spending")).json()
    data = [{"subject": "ada", "spent_usd": "1", "held_usd": "0"}]
    assert spending == {"data": data, "window_starts": "total", "next_cursor": None}


@pytest.mark.parametrize("cursor", ["x", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA", "é"])
async def test_a_position_that_was_never_given_out_is_refused(caller: Caller, cursor: str) -> None:
    budget = await caller.budget()
    answer = await caller("GET", f"budgets/{budget['id']}/spending", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:llmo:problem:malformed_cursor")


async def test_without_redis_budgets_are_shown_without_what_is_spent(
    caller: Caller, management: Management, redis_down: Redis
) -> None:
    management.counters = redis_down
    budget = await caller.budget()
    assert (budget["spent_usd"], budget["held_usd"]) == (None, None)
    assert (await caller("GET", "budgets")).json()["data"] == [budget]
    spending = await caller("GET", f"budgets/{budget['id']}/spending")
    assert (spending.status_code, spending.json()["type"]) == (503, "urn:llmo:problem:counters_unavailable")


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
