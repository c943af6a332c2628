"""Flows on the whole laptop stack: events start state machines, which run billing's tasks until something is final."""

import asyncio
from uuid import uuid4

from tests.e2e.platform import Json, Platform
from tests.e2e.test_billing import customer_of, make
from tests.e2e.test_payments import cards_of

BILLING = "/api/v1/billing"
WITHIN_SECONDS = 45
GOOD, DECLINED = "4242424242424242", "4000000000000341"
FEE = {"code": "base", "name": "Base fee", "basis": "recurring", "price": {"kind": "flat", "amount": "20"}}
SEATS = {"code": "seats", "name": "Seats", "basis": "seats", "price": {"kind": "per_unit", "unit_price": "5"}}


class Customer:
    """An organization with a card."""

    def __init__(self, platform: Platform, api_key: str) -> None:
        self.platform = platform
        self.api_key = api_key

    async def call(self, method: str, path: str, status: int = 200, **body: object) -> Json:
        """What the billing API answers the customer."""
        given = body if method != "GET" else None
        answer = await self.platform.call(method, f"{BILLING}/{path}", api_key=self.api_key, json=given)
        assert answer.status == status, answer
        return answer.json()

    async def until(self, path: str, field: str, value: str) -> Json:
        """What is at a path as soon as a field of it has a value."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while True:
                found: Json = await self.call("GET", path)
                shown = found.get("service", found)
                if shown[field] == value:
                    return found
                await asyncio.sleep(0.2)

    async def saves(self, number: str) -> None:
        """Save a card as a browser does."""
        setup = await self.call("POST", "setup-intents", 201)
        url = f"{self.platform.stack.addresses['stripe_url']}/v1/setup_intents/{setup['id']}/confirm"
        form = {"client_secret": setup["client_secret"], "payment_method_data[card][number]": number}
        headers = {"Authorization": f"Bearer {setup['publishable_key']}"}
        async with self.platform.http.post(url, data=form, headers=headers) as answer:
            assert (await answer.json())["status"] == "succeeded"
        await cards_of(self.platform, self.api_key, 1)

    async def task(self, name: str, **given: str) -> Json:
        """What one of the state machines' tasks answers."""
        whose = (await self.call("GET", "account"))["org_id"]
        answer: Json = await self.platform.invoke("BillingTasksFunction", {"task": name, "org_id": whose, **given})
        return answer


async def subscribed(platform: Platform, card: str) -> tuple[Customer, Json]:
    """A customer with a card and a subscription of a seat."""
    customer = Customer(platform, await customer_of(platform))
    await customer.saves(card)
    version = {"currency": "USD", "cadence": {"interval": "month"}, "charges": [FEE, SEATS]}
    body = {"code": f"e2e-{uuid4().hex[:12]}", "name": "Team", "offered": True, "version": version}
    plan = await make(platform, "plans", body)
    return customer, await customer.call("POST", "subscriptions", 201, plan_id=plan["id"])


async def test_a_declined_card_leads_to_suspension_and_what_is_settled_restores_the_service(platform: Platform) -> None:
    customer, subscription = await subscribed(platform, DECLINED)
    draft = await customer.task("draft", subscription_id=subscription["id"])
    await customer.task("finalize", invoice_id=draft["invoice_id"])
    assert await customer.task("collect", invoice_id=draft["invoice_id"]) == {"collected": "failed"}

    suspended = await customer.until("dunning", "standing", "suspended")

    [overdue] = suspended["overdue"]
    assert (overdue["invoice_id"], overdue["step"], overdue["next_step"]) == (draft["invoice_id"], 4, None)
    org_id = (await customer.call("GET", "account"))["org_id"]
    void = await platform.call("POST", f"{BILLING}/accounts/{org_id}/invoices/{draft['invoice_id']}/void")
    assert void.status == 200, void
    restored = await customer.call("GET", "dunning")
    assert (restored["service"]["standing"], restored["service"]["revision"], restored["overdue"]) == ("good", 3, [])


async def test_a_change_that_is_paid_for_first_is_applied_and_invoiced(platform: Platform) -> None:
    customer, subscription = await subscribed(platform, GOOD)
    draft = await customer.task("draft", subscription_id=subscription["id"])
    await customer.task("finalize", invoice_id=draft["invoice_id"])
    path = f"subscriptions/{subscription['id']}"
    change = await customer.call("POST", f"{path}/change", 202, seats=2, payment="required")

    applied = await customer.until(f"{path}/changes/{change['id']}", "status", "applied")

    assert (applied["failure"], (await customer.call("GET", path))["seats"]) == (None, 2)
