"""Subscriptions: started once, changed now or with the period, paused, cancelled, resumed."""

import asyncio

import pytest

from tests.integration.api_caller import problem
from tests.integration.billing.calling import Caller, version
from tests.integration.billing.subscribing import SEATS, Subscribing, did, offered, subscribed


async def test_a_subscription_is_started_shown_and_announced(
    operator: Caller, customer: Caller, reader: Caller, subscribing: Subscribing
) -> None:
    plan = await offered(operator, "team", "20", SEATS)
    made = await subscribed(customer, plan, seats=3)

    assert (made["plan_id"], made["version"], made["seats"], made["currency"]) == (plan["id"], 1, 3, "USD")
    assert (made["status"], made["starts_on"], made["time_zone"]) == ("active", "2027-01-31", "UTC")
    assert made["current_period"] == {"start": "2027-01-31T00:00:00Z", "end": "2027-02-28T00:00:00Z"}
    assert made["created_by"] == str(customer.org.key_id)
    shown = await reader("GET", f"subscriptions/{made['id']}")
    assert (shown.json(), shown.headers["etag"]) == (made, '"1"')
    assert await reader.listed("subscriptions") == [made]
    assert await subscribing.told(customer) == ["started"]


async def test_an_organization_has_one_live_subscription(
    operator: Caller, customer: Caller, subscribing: Subscribing
) -> None:
    plan = await offered(operator, "team", "20")
    bodies = [{"plan_id": plan["id"]}] * 4
    answers = await asyncio.gather(*(customer("POST", "subscriptions", json=body) for body in bodies))

    [made] = [answer.json() for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code != 201]
    assert {problem(answer) for answer in refused} == {(409, "already_subscribed")}
    assert {answer.json()["subscription_id"] for answer in refused} == {made["id"]}
    assert await subscribing.told(customer) == ["started"]


async def test_what_is_dearer_is_had_at_once_and_what_is_cheaper_with_the_next_period(
    operator: Caller, customer: Caller, subscribing: Subscribing
) -> None:
    small = await offered(operator, "small", "20", SEATS)
    large = await offered(operator, "large", "50", SEATS)
    made = await subscribed(customer, small)
    subscribing.clock.advance(days=5)

    dearer = await did(customer, made, "change", plan_id=large["id"])
    assert (dearer["plan_id"], dearer["pending_change"]) == (large["id"], None)
    assert [(phase["from_on"], phase["until_on"]) for phase in dearer["phases"]] == [
        ("2027-01-31", "2027-02-05"),
        ("2027-02-05", None),
    ]
    cheaper = await did(customer, made, "change", plan_id=small["id"], seats=2)
    assert cheaper["plan_id"] == large["id"]
    assert cheaper["pending_change"] == {
        "plan_id": small["id"],
        "version": 1,
        "currency": "USD",
        "seats": 2,
        "takes_effect_on": "2027-02-28",
    }
    subscribing.clock.set(2027, 2, 28)
    [after] = await customer.listed("subscriptions")
    assert (after["plan_id"], after["seats"], after["pending_change"]) == (small["id"], 2, None)
    assert after["current_period"] == {"start": "2027-02-28T00:00:00Z", "end": "2027-03-31T00:00:00Z"}
    assert await subscribing.told(customer) == ["started", "changed", "change_scheduled"]


async def test_a_cancellation_can_be_undone_until_it_comes_true(
    operator: Caller, customer: Caller, subscribing: Subscribing
) -> None:
    plan = await offered(operator, "team", "20")
    made = await subscribed(customer, plan)
    cancelled = await did(customer, made, "cancel", reason="We moved on.")
    assert (cancelled["status"], cancelled["cancel_on"]) == ("active", "2027-02-28")
    assert (await did(customer, made, "resume"))["cancel_on"] is None
    again = await did(customer, made, "cancel")
    assert await did(customer, made, "cancel") == again

    subscribing.clock.set(2027, 2, 28)
    path = f"subscriptions/{made['id']}"
    ended = (await customer("GET", path)).json()
    assert (ended["status"], ended["ended_at"], ended["ended_on"]) == ("ended", "2027-02-28T00:00:00Z", "2027-02-28")
    for what in ("change", "cancel", "pause", "resume"):
        assert problem(await customer("POST", f"{path}/{what}", json={})) == (409, "subscription_has_ended")
    second = await subscribed(customer, plan)
    assert second["starts_on"] == "2027-02-28"
    assert await subscribing.told(customer) == [
        "started", "cancellation_scheduled", "resumed", "cancellation_scheduled", "ended", "started",
    ]  # fmt: skip


async def test_the_last_day_of_what_ends_now_is_its_own(
    operator: Caller, customer: Caller, subscribing: Subscribing
) -> None:
    plan = await offered(operator, "team", "20", trial_days=14)
    first = await subscribed(customer, plan)
    assert (first["status"], first["trial_ends_at"]) == ("trialing", "2027-02-14T00:00:00Z")
    ended = await did(customer, first, "cancel", when="now")
    assert (ended["status"], ended["ended_on"], ended["current_period"]) == ("ended", "2027-02-01", None)

    second = await subscribed(customer, plan)
    assert (second["status"], second["starts_on"], second["trial_ends_at"]) == ("active", "2027-02-01", None)
    assert await customer.listed("subscriptions") == [second, ended]
    assert await subscribing.told(customer) == ["started", "cancelled", "ended", "started"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_another_zone_gives_no_hour_to_two_subscriptions_and_none_to_nobody(
    operator: Caller, customer: Caller, subscribing: Subscribing, zone: str
) -> None:
    plan = await offered(operator, "team", "20")
    ended = await did(customer, await subscribed(customer, plan), "cancel", when="now")
    assert (await customer("PUT", "account", json={"time_zone": zone})).status_code == 200

    second = await subscribed(customer, plan)
    assert (second["time_zone"], second["starts_on"]) == ("UTC", ended["ended_on"])
    await did(customer, second, "cancel", when="now")
    subscribing.clock.advance(days=3)
    assert (await subscribed(customer, plan))["time_zone"] == zone


async def test_a_pause_begins_with_the_next_period_and_a_cycle_when_it_ends(
    operator: Caller, customer: Caller, subscribing: Subscribing
) -> None:
    plan = await offered(operator, "team", "20")
    made = await subscribed(customer, plan)
    assert (await did(customer, made, "pause"))["pause_on"] == "2027-02-28"
    assert problem(await customer("POST", f"subscriptions/{made['id']}/change", json={"seats": 2})) == (
        409,
        "resume_first",
    )
    subscribing.clock.set(2027, 3, 10, 8)
    [paused] = await customer.listed("subscriptions")
    assert (paused["status"], paused["current_period"]) == ("paused", None)
    resumed = await did(customer, made, "resume")
    assert (resumed["status"], resumed["pause_on"]) == ("active", None)
    assert resumed["current_period"] == {"start": "2027-03-10T00:00:00Z", "end": "2027-04-10T00:00:00Z"}
    assert [(phase["from_on"], phase["until_on"]) for phase in resumed["phases"]] == [
        ("2027-01-31", "2027-02-28"),
        ("2027-03-10", None),
    ]
    assert await subscribing.told(customer) == ["started", "pause_scheduled", "paused", "resumed"]
    assert problem(await customer("POST", f"subscriptions/{made['id']}/resume")) == (409, "nothing_to_resume")


async def test_of_two_who_change_the_same_revision_one_does(
    operator: Caller, customer: Caller, subscribing: Subscribing
) -> None:
    plan = await offered(operator, "team", "20", SEATS)
    made = await subscribed(customer, plan)
    path, headers = f"subscriptions/{made['id']}/change", {"if-match": '"1"'}
    answers = await asyncio.gather(
        *(customer("POST", path, json={"seats": seats}, headers=headers) for seats in (2, 3, 4))
    )

    [changed] = [answer.json() for answer in answers if answer.status_code == 200]
    assert [problem(answer) for answer in answers if answer.status_code != 200] == [(412, "changed_meanwhile")] * 2
    assert await customer.listed("subscriptions") == [changed]
    assert await subscribing.told(customer) == ["started", "changed"]


@pytest.mark.usefixtures("subscribing")
async def test_changes_at_once_without_a_revision_follow_each_other(operator: Caller, customer: Caller) -> None:
    plan = await offered(operator, "team", "20", SEATS)
    made = await subscribed(customer, plan)
    path = f"subscriptions/{made['id']}/change"
    await asyncio.gather(*(customer("POST", path, json={"seats": seats, "when": "now"}) for seats in (2, 3, 4)))

    [changed] = await customer.listed("subscriptions")
    assert [phase["number"] for phase in changed["phases"]] == [1, 2, 3, 4]
    assert [phase["until_on"] for phase in changed["phases"]] == ["2027-01-31"] * 3 + [None]
    assert changed["revision"] == 4


@pytest.mark.usefixtures("subscribing")
async def test_a_subscription_keeps_its_currency(operator: Caller, customer: Caller) -> None:
    dollars = await offered(operator, "dollars", "20")
    euros = await offered(operator, "euros", "20", currency="EUR")
    made = await subscribed(customer, dollars)

    refused = await customer("POST", f"subscriptions/{made['id']}/change", json={"plan_id": euros["id"]})
    assert problem(refused) == (400, "currencies_differ")
    assert await customer.listed("subscriptions") == [made]


@pytest.mark.usefixtures("subscribing")
async def test_what_is_not_offered_cannot_be_had(operator: Caller, customer: Caller) -> None:
    draft = await operator.plan("draft")
    archived = await offered(operator, "archived", "20")
    await operator("POST", f"plans/{archived['id']}/archive")
    renewed = await offered(operator, "renewed", "20")
    await operator.made(f"plans/{renewed['id']}/versions", **version())

    for plan, number, expected in (
        (draft, None, (404, "unknown_plan")),
        (archived, None, (409, "plan_not_offered")),
        (renewed, 1, (409, "version_not_offered")),
    ):
        body = {"plan_id": plan["id"], "version": number}
        assert problem(await customer("POST", "subscriptions", json=body)) == expected
    assert (await subscribed(customer, renewed))["version"] == 2
