"""What the gateway counted for budgets, as the management API shows it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from integration.budget_windows import Scope, counter, index
from tests.integration.management.calling import Caller, Management
from tests.integration.management.clocks import At

NOW = datetime(2026, 11, 25, 20, 30, tzinfo=UTC)  # a Wednesday; the next day in Tokyo
PICO = 10**12


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
