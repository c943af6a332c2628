"""What the period under way has come to, and what it will: as its invoice will say."""

from datetime import UTC, datetime
from typing import Any

import pytest

from billing.accounts.repository import PostgresAccounts
from billing.accounts.schemas import TAXED
from billing.api import app
from billing.current_usage import wiring
from billing.current_usage.open_periods import SubscribedPeriods
from billing.current_usage.service import CurrentUsageService
from tests.integration.api_caller import problem
from tests.integration.billing.calling import Caller, Json, usage
from tests.integration.billing.subscribing import Subscribing, did, offered, subscribed
from tests.integration.billing.using import Using, call
from tests.integration.organizations import MakeOrg

PATH = "usage/current"
HALF: Json = {"kind": "per_unit", "unit_price": "0.5"}


@pytest.fixture(autouse=True)
def wired(subscribing: Subscribing, using: Using, monkeypatch: pytest.MonkeyPatch) -> None:
    """The use case at the moment that the test chooses."""

    async def service() -> CurrentUsageService:
        accounts = PostgresAccounts(using.database)
        periods = SubscribedPeriods(subscriptions=subscribing.kept, accounts=accounts)
        return CurrentUsageService(periods=periods, counted=using.counted(), clock=subscribing.clock)

    monkeypatch.setitem(app.dependency_overrides, wiring.current_usage_service, service)


async def plan(operator: Caller, code: str = "team", fee: str = "28", price: Json = HALF, **others: Any) -> Json:
    return await offered(operator, code, fee, usage(price), **others)


async def used(using: Using, caller: Caller, calls: int, at: datetime) -> None:
    using.clock.moment = at
    calls_then = [call(caller.org.org_id, started_at=at.isoformat()) for _ in range(calls)]
    assert await using.record(*calls_then) == []


async def current(caller: Caller) -> Json:
    answer = await caller("GET", PATH)
    assert answer.status_code == 200, answer.text
    shown: Json = answer.json()
    return shown


def lines(breakdown: Json) -> list[tuple[str, str, str, int]]:
    return [(line["code"], line["kind"], line["quantity"], line["amount"]) for line in breakdown["lines"]]


async def test_a_period_has_come_to_its_fee_and_what_was_used_and_goes_on_like_that(
    operator: Caller, customer: Caller, reader: Caller, subscribing: Subscribing, using: Using
) -> None:
    await operator.meter()
    made = await subscribed(customer, await plan(operator))  # January 31: a period of 28 days
    await used(using, customer, 2, datetime(2027, 1, 30, 23, tzinfo=UTC))  # before the first day
    await used(using, customer, 3, datetime(2027, 2, 1, 9, tzinfo=UTC))
    subscribing.clock.set(2027, 2, 7)
    found = await current(reader)

    assert (found["subscription_id"], found["as_of"]) == (made["id"], "2027-02-07T00:00:00Z")
    assert found["period"] == made["current_period"]
    assert lines(found["so_far"]) == [("base", "advance", "1", 2800), ("usage", "usage", "3", 150)]
    assert lines(found["projected"]) == [("base", "advance", "1", 2800), ("usage", "usage", "12", 600)]
    assert (found["so_far"]["amount_due"], found["projected"]["amount_due"]) == (2950, 3400)

    subscribing.clock.set(2027, 2, 28)  # the next one begins with nothing used
    assert lines((await current(reader))["so_far"]) == [("base", "advance", "1", 2800), ("usage", "usage", "0", 0)]


async def test_a_change_within_the_period_is_charged_and_each_day_is_rated_by_its_plan(
    operator: Caller, customer: Caller, subscribing: Subscribing, using: Using
) -> None:
    await operator.meter()
    made = await subscribed(customer, await plan(operator))
    await used(using, customer, 4, datetime(2027, 2, 1, 9, tzinfo=UTC))
    subscribing.clock.set(2027, 2, 14, 9)
    dearer = await plan(operator, "large", "56", {"kind": "per_unit", "unit_price": "0.25"})
    await did(customer, made, "change", plan_id=dearer["id"])
    await used(using, customer, 2, datetime(2027, 2, 14, 1, tzinfo=UTC))  # that day is the new plan's, all of it
    subscribing.clock.set(2027, 2, 21)
    found = await current(customer)

    due = [("base", "advance", "1", 2800), ("base", "unused", "1", -1400), ("base", "remaining", "1", 2800)]
    assert lines(found["so_far"]) == [*due, ("usage", "usage", "4", 200), ("usage", "usage", "2", 50)]
    assert lines(found["projected"]) == [*due, ("usage", "usage", "4", 200), ("usage", "usage", "4", 100)]


async def test_it_is_taxed_as_the_operator_says(
    operator: Caller, customer: Caller, subscribing: Subscribing, using: Using
) -> None:
    await operator.meter()
    taxed = await operator("PUT", f"accounts/{customer.org.org_id}/taxation", json=TAXED)
    assert taxed.status_code == 200, taxed.text
    await subscribed(customer, await plan(operator))
    await used(using, customer, 2, datetime(2027, 2, 1, 9, tzinfo=UTC))
    subscribing.clock.set(2027, 2, 7)
    so_far = (await current(customer))["so_far"]

    assert (so_far["subtotal"], so_far["total"]) == (2900, 3451)
    assert [(tax["code"], tax["amount"]) for tax in so_far["taxes"]] == [("vat", 551)]


async def test_days_are_those_of_the_subscriptions_time_zone(operator: Caller, customer: Caller, using: Using) -> None:
    await operator.meter()
    told = await customer("PUT", "account", json={"time_zone": "Asia/Kathmandu"})
    assert told.status_code == 200, told.text
    await subscribed(customer, await plan(operator))
    await used(using, customer, 1, datetime(2027, 1, 30, 18, 14, tzinfo=UTC))  # 23:59 there, the day before
    await used(using, customer, 1, datetime(2027, 1, 30, 18, 15, tzinfo=UTC))  # midnight
    found = await current(customer)

    assert found["period"] == {"start": "2027-01-30T18:15:00Z", "end": "2027-02-27T18:15:00Z"}
    assert lines(found["so_far"])[1] == ("usage", "usage", "1", 50)


async def refused(caller: Caller) -> str:
    answer = await caller("GET", PATH)
    assert problem(answer) == (404, "nothing_open")
    body = answer.json()
    assert body["detail"].startswith("No period is under way: ")
    reason: str = body["reason"]
    return reason


async def test_without_a_period_under_way_it_says_why(
    operator: Caller, customer: Caller, subscribing: Subscribing
) -> None:
    assert await refused(customer) == "not_subscribed"
    await operator.meter()
    made = await subscribed(customer, await plan(operator, trial_days=14))
    assert await refused(customer) == "trialing"
    subscribing.clock.set(2027, 2, 14)  # no job has run: the trial is over all the same
    assert (await current(customer))["period"]["start"] == "2027-02-14T00:00:00Z"
    await did(customer, made, "pause")
    assert (await current(customer))["period"]["end"] == "2027-03-14T00:00:00Z"
    subscribing.clock.set(2027, 3, 14)
    assert await refused(customer) == "paused"
    await did(customer, made, "cancel")
    assert await refused(customer) == "not_subscribed"


async def test_nobody_sees_what_others_use_nor_without_the_permission(
    operator: Caller, customer: Caller, reporter: Caller, make_org: MakeOrg, using: Using
) -> None:
    await operator.meter()
    team = await plan(operator)
    await subscribed(customer, team)
    await used(using, customer, 3, datetime(2027, 1, 31, 9, tzinfo=UTC))
    other = Caller(await make_org())
    for stranger in (other, operator):
        assert await refused(stranger) == "not_subscribed"
    await subscribed(other, team)
    assert lines((await current(other))["so_far"])[1] == ("usage", "usage", "0", 0)
    assert lines((await current(customer))["so_far"])[1] == ("usage", "usage", "3", 150)

    nobody = Caller(customer.org, permissions=frozenset({"usage:read"}))
    for caller in (reporter, nobody):
        assert problem(await caller("GET", PATH)) == (403, "missing_permission")
