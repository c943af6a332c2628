"""Spend caps: what an organization says it wants to spend, and how the gateway hears of it."""

from typing import Any

import pytest

from billing.api import app
from billing.spend_caps import wiring
from billing.spend_caps.repository import PostgresSpendCaps
from billing.spend_caps.service import SpendCapService
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data.outbox import Outbox
from tests.integration.api_caller import problem
from tests.integration.auth.announcements import BusDown
from tests.integration.billing.calling import Caller, Catalogue
from tests.integration.organizations import MakeOrg


@pytest.fixture(autouse=True)
def _service(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    database = catalogue.database

    async def service() -> SpendCapService:
        return SpendCapService(
            caps=PostgresSpendCaps(database),
            events=Outbox(database=database, schema="billing", bus=BusDown, clock=SystemClock(), new_id=new_id),
            transaction=database.transaction,
            clock=SystemClock(),
        )

    monkeypatch.setitem(app.dependency_overrides, wiring.spend_cap_service, service)


async def put(caller: Caller, limit: Any, **headers: str) -> Any:
    return await caller("PUT", "spend-cap", json={"limit_usd": limit}, headers=headers)


async def test_nobody_has_a_cap_before_they_set_one(reader: Caller) -> None:
    answer = await reader("GET", "spend-cap")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert answer.json() == {"limit_usd": None, "revision": 1, "updated_by": None, "updated_at": None}


async def test_each_change_is_announced_once_with_a_higher_revision(
    customer: Caller, reader: Caller, catalogue: Catalogue
) -> None:
    for limit in ("500.00", "500.00", "12.5", None, None):
        assert (await put(customer, limit)).status_code == 200

    events = await catalogue.announced(customer.org.org_id)
    assert [(event.type, event.data) for event in events] == [
        ("llmo.billing.spend_cap.changed", {"revision": 2, "limit_usd": "500"}),
        ("llmo.billing.spend_cap.changed", {"revision": 3, "limit_usd": "12.5"}),
        ("llmo.billing.spend_cap.changed", {"revision": 4, "limit_usd": None}),
    ]
    shown = (await reader("GET", "spend-cap")).json()
    assert (shown["limit_usd"], shown["revision"], shown["updated_by"]) == (None, 4, str(customer.org.key_id))


async def test_of_two_who_read_the_same_cap_one_changes_it(customer: Caller) -> None:
    assert (await put(customer, "1", **{"if-match": '"1"'})).headers["etag"] == '"2"'
    assert problem(await put(customer, "2", **{"if-match": '"1"'})) == (412, "changed_meanwhile")


@pytest.mark.parametrize("limit", ["-1", "9000000.01", "0.0000000000001", "NaN", "much", 0.5, True, [], "1e999999"])
async def test_what_is_no_cap_is_refused(customer: Caller, limit: Any) -> None:
    answer = await put(customer, limit)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/body/limit_usd")


async def test_whoever_may_only_read_sets_none(reader: Caller) -> None:
    assert problem(await put(reader, "5")) == (403, "missing_permission")


async def test_a_cap_is_nothing_to_another_organization(customer: Caller, make_org: MakeOrg) -> None:
    await put(customer, "5")
    other = Caller(await make_org())
    assert (await other("GET", "spend-cap")).json()["limit_usd"] is None
