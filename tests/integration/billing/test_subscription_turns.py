"""What dates bring is announced by a schedule: once, of every organization, also by several runs at once."""

import asyncio
from datetime import timedelta

import pytest
from psycopg import errors

from billing.subscriptions.closing import REASON
from llmo_data.postgres import Database
from tests.integration.billing.calling import Caller
from tests.integration.billing.subscribing import Subscribing, closed, did, offered, subscribed
from tests.integration.organizations import MakeOrg
from tests.integration.statements import run


async def test_each_thing_is_announced_when_it_comes_and_once(
    operator: Caller, customer: Caller, subscribing: Subscribing
) -> None:
    large = await offered(operator, "large", "50", trial_days=14)
    small = await offered(operator, "small", "20")
    made = await subscribed(customer, large)
    await subscribing.turn()
    assert await subscribing.told(customer) == ["started"]
    subscribing.clock.set(2027, 2, 11)
    await subscribing.turn()
    assert await subscribing.told(customer) == ["started", "trial_ending"]
    subscribing.clock.set(2027, 2, 20)
    await subscribing.turn()
    scheduled = await did(customer, made, "change", plan_id=small["id"])
    assert scheduled["pending_change"]["takes_effect_on"] == "2027-03-14"
    await did(customer, made, "pause")
    subscribing.clock.set(2027, 3, 14)
    seen = (await customer("GET", f"subscriptions/{made['id']}")).json()

    assert await subscribing.turn() >= 1  # other tests' organizations are turned as well
    assert await subscribing.turn() == 0
    assert (await customer("GET", f"subscriptions/{made['id']}")).json() == seen
    assert await subscribing.told(customer) == [
        "started", "trial_ending", "trial_ended", "change_scheduled", "pause_scheduled", "changed", "paused",
    ]  # fmt: skip


async def test_several_runs_at_once_turn_each_organizations_subscription_once(
    operator: Caller, subscribing: Subscribing, make_org: MakeOrg
) -> None:
    plan = await offered(operator, "team", "20")
    customers = [Caller(await make_org()) for _ in range(6)]
    for customer in customers:
        await did(customer, await subscribed(customer, plan), "cancel")
    subscribing.clock.set(2027, 3, 1)
    turned = await asyncio.gather(*(subscribing.turn() for _ in range(3)))

    assert sum(turned) >= 6
    for customer in customers:
        assert await subscribing.told(customer) == ["started", "cancellation_scheduled", "ended"]


async def test_what_somebody_changes_just_now_is_left_to_them(
    operator: Caller, customer: Caller, subscribing: Subscribing, billing_database: Database
) -> None:
    plan = await offered(operator, "team", "20")
    made = await subscribed(customer, plan)
    await did(customer, made, "cancel")
    subscribing.clock.set(2027, 3, 1)

    async with billing_database.transaction(customer.org.org_id) as connection:
        await connection.execute("SELECT FROM billing.subscriptions WHERE id = %s FOR UPDATE", (made["id"],))
        await asyncio.create_task(subscribing.turn())
        assert "ended" not in await subscribing.told(customer)
    await subscribing.turn()
    assert await subscribing.told(customer) == ["started", "cancellation_scheduled", "ended"]


async def test_a_run_without_time_does_nothing(operator: Caller, customer: Caller, subscribing: Subscribing) -> None:
    await did(customer, await subscribed(customer, await offered(operator, "team", "20")), "cancel")
    subscribing.clock.set(2027, 3, 1)
    assert await subscribing.turning().turn(timedelta) == 0
    assert "ended" not in await subscribing.told(customer)


@pytest.mark.usefixtures("subscribing")
async def test_of_other_organizations_the_schedule_learns_that_something_has_come_and_nothing_else(
    operator: Caller, customer: Caller, billing_database: Database
) -> None:
    made = await subscribed(customer, await offered(operator, "team", "20"))
    await did(customer, made, "cancel")
    async with billing_database.transaction() as connection:
        rows = await run(connection, "SELECT * FROM billing.{}", "turning_subscriptions")
        assert await run(connection, "SELECT id FROM billing.{}", "subscriptions") == []
    assert {row["org_id"] for row in rows} >= {customer.org.org_id}
    assert rows[0].keys() == {"id", "org_id", "turns_at"}
    with pytest.raises(errors.InsufficientPrivilege):
        async with billing_database.transaction() as connection:
            await run(connection, "DELETE FROM billing.{}", "turning_subscriptions")


async def test_the_subscription_of_a_closed_organization_ends_at_once_and_once(
    operator: Caller, customer: Caller, subscribing: Subscribing
) -> None:
    plan = await offered(operator, "team", "20")
    made = await subscribed(customer, plan)
    subscribing.clock.set(2027, 2, 5, 10)
    event = closed(customer.org.org_id)
    await subscribing.closing().close([event, event])
    await subscribing.closing().close([event])

    ended = (await customer("GET", f"subscriptions/{made['id']}")).json()
    assert (ended["status"], ended["ended_on"], ended["cancel_reason"]) == ("ended", "2027-02-06", REASON)
    assert await subscribing.told(customer) == ["started", "ended"]


async def test_an_organization_without_a_subscription_is_closed_as_well(
    customer: Caller, subscribing: Subscribing
) -> None:
    await subscribing.closing().close([closed(customer.org.org_id)])
    assert await subscribing.told(customer) == []
