"""The whole way of money: a plan, calls, an invoice, a card that pays it, or one that does not, and what follows."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from openai import PermissionDeniedError

from tests.e2e.outbox import mails
from tests.e2e.platform import Json, Platform, ask, unique
from tests.e2e.test_billing import account_of, make
from tests.e2e.test_payments import NUMBER, cards_of, save_card
from tests.e2e.test_webhooks import receiving
from tests.e2e.waiting import WITHIN_SECONDS, eventually

BILLING = "/api/v1/billing"
MODEL = "gpt-4o-mini"
DECLINED = "4000000000000341"


class Customer:
    """An organization that is billed."""

    def __init__(self, platform: Platform, email: str, api_key: str) -> None:
        self.platform = platform
        self.email = email
        self.api_key = api_key

    async def get(self, path: str) -> Json:
        answer = await self.platform.call("GET", f"{BILLING}/{path}", api_key=self.api_key)
        assert answer.status == 200, answer
        return answer.json()

    async def post(self, path: str, **body: object) -> Json:
        key = uuid4().hex
        answer = await self.platform.call(
            "POST", f"{BILLING}/{path}", api_key=self.api_key, json=body, idempotency_key=key
        )
        assert answer.status in {200, 201, 202}, answer
        return answer.json()

    async def ask(self) -> None:
        """Make an LLM call."""
        await self.platform.client(self.api_key).chat.completions.create(model=MODEL, messages=ask(unique()))

    async def invoice(self) -> Json:
        """The only one."""
        [invoice] = (await self.get("invoices"))["data"]
        return invoice  # type: ignore[no-any-return]


@pytest.fixture
async def customer(platform: Platform) -> Customer:
    return Customer(platform, *await account_of(platform))


async def subscribed(customer: Customer) -> Json:
    """A subscription to a plan of 20 dollars a month, 5 for each seat beyond the first, and a dollar for each call."""
    code = f"e2e-{uuid4().hex[:12]}"
    await make(customer.platform, "meters", {"code": code, "name": "Calls", "aggregation": "count"})
    fee = {"code": "base", "name": "Base fee", "basis": "recurring", "price": {"kind": "flat", "amount": "20"}}
    price = {"kind": "per_unit", "unit_price": "1"}
    calls = {"code": "calls", "name": "Calls", "basis": "usage", "meter": code, "price": price}
    seats = {
        "code": "seats",
        "name": "Seats",
        "basis": "seats",
        "price": {"kind": "per_unit", "unit_price": "5"},
        "included": "1",
    }
    version = {"currency": "USD", "cadence": {"interval": "month"}, "charges": [fee, seats, calls]}
    plan = await make(customer.platform, "plans", {"code": code, "name": "Team", "offered": True, "version": version})
    return await customer.post("subscriptions", plan_id=plan["id"])


async def invoice_run(platform: Platform) -> None:
    """Let everybody be invoiced, as every hour."""
    client = platform.aws("stepfunctions")
    [machine] = [
        machine["stateMachineArn"]
        for machine in client.list_state_machines()["stateMachines"]
        if machine["name"].endswith("invoice-run")
    ]
    started = await asyncio.to_thread(client.start_execution, stateMachineArn=machine, input="{}")

    async def done() -> str | None:
        found = await asyncio.to_thread(client.describe_execution, executionArn=started["executionArn"])
        return found["status"] if found["status"] != "RUNNING" else None

    assert await eventually(done) == "SUCCEEDED"


async def mailed(customer: Customer) -> list[str] | None:
    """The kinds of mails that the customer got, in order, each once; None until service is restored."""
    path = "/api/v1/notifications/messages?channel=email&limit=100"
    answer = await customer.platform.call("GET", path, api_key=customer.api_key)
    assert answer.status == 200, answer
    found = [each["kind"] for each in reversed(answer.json()["data"]) if each["status"] in {"sent", "delivered"}]
    return [*dict.fromkeys(found)] if {"service_restored", "invoice_paid"} <= {*found} else None


async def test_a_card_pays_for_the_plan_and_calls_are_on_the_next_invoice(
    platform: Platform, customer: Customer
) -> None:
    await save_card(platform, customer.api_key, NUMBER)
    await cards_of(platform, customer.api_key, 1)
    await subscribed(customer)
    for _ in range(3):
        await customer.ask()
    async with receiving() as (url, got):
        wanted = {"url": url, "event_types": ["invoice.finalized", "invoice.paid"]}
        webhook = await platform.call("POST", "/api/v1/webhooks", api_key=customer.api_key, json=wanted)
        assert webhook.status == 201, webhook
        await invoice_run(platform)
        async with asyncio.timeout(WITHIN_SECONDS):
            told = [json.loads((await got.get())[1]) for _ in range(2)]

    invoice = await customer.invoice()
    assert (invoice["status"], invoice["total"], invoice["amount_paid"]) == ("paid", 2000, 2000)
    assert {(each["type"], each["data"]["invoice_id"]) for each in told} == {
        ("invoice.finalized", invoice["id"]),
        ("invoice.paid", invoice["id"]),
    }
    [payment] = (await customer.get("payments"))["data"]
    assert (payment["status"], payment["purpose_id"]) == ("succeeded", invoice["id"])
    headers = {"authorization": f"Bearer {customer.api_key}"}
    async with platform.http.get(f"{platform.base_url}{BILLING}/invoices/{invoice['id']}/pdf", headers=headers) as pdf:
        assert (await pdf.read()).startswith(b"%PDF-")
    booked = (await customer.get("ledger"))["data"]
    assert {entry["kind"] for entry in booked} == {"invoiced", "paid"}

    async def counted() -> bool | None:
        preview: Any = await customer.post("invoices/preview")
        return True if preview["total"] == 300 else None

    assert await eventually(counted)


async def test_who_does_not_pay_is_suspended_and_served_again_once_they_have(
    platform: Platform, customer: Customer
) -> None:
    await save_card(platform, customer.api_key, DECLINED)
    await cards_of(platform, customer.api_key, 1)
    await subscribed(customer)
    await customer.ask()
    await invoice_run(platform)
    invoice = await customer.invoice()
    assert (invoice["status"], invoice["amount_remaining"]) == ("finalized", 2000)

    async def refused() -> PermissionDeniedError | None:
        try:
            await customer.ask()
        except PermissionDeniedError as error:
            return error
        return None

    assert (await eventually(refused)).code == "billing_not_active"
    overview = await customer.get("dunning")
    assert overview["service"]["standing"] == "suspended"
    assert [overdue["invoice_id"] for overdue in overview["overdue"]] == [invoice["id"]]
    attempts = (await customer.get("payments"))["data"]
    assert {payment["status"] for payment in attempts} == {"failed"}
    assert len(attempts) == 5  # when it was invoiced, and with each of four steps

    await save_card(platform, customer.api_key, NUMBER)
    cards = await cards_of(platform, customer.api_key, 2)
    [good] = [card["id"] for card in cards if card["last4"] == "4242"]
    await customer.post(f"invoices/{invoice['id']}/payments", payment_method_id=good)

    async def served() -> bool | None:
        return True if await refused() is None else None

    assert await eventually(served)
    assert (await customer.invoice())["status"] == "paid"
    assert (await customer.get("dunning"))["service"]["standing"] == "good"
    kinds = await eventually(lambda: mailed(customer))
    in_order = ["invoice_finalized", "payment_failed", "dunning_reminder", "service_suspended", "service_restored"]
    assert [kind for kind in kinds if kind in in_order] == in_order
    reminders = [each for each in await mails(platform, customer.email) if invoice["number"] in each["text"]]
    assert len(reminders) > len(in_order) // 2


async def test_a_change_that_is_paid_for_first_takes_effect_when_it_is(platform: Platform, customer: Customer) -> None:
    await save_card(platform, customer.api_key, NUMBER)
    await cards_of(platform, customer.api_key, 1)
    subscription = await subscribed(customer)
    await invoice_run(platform)
    path = f"subscriptions/{subscription['id']}"
    change = await customer.post(f"{path}/change", seats=3, payment="required")

    async def applied() -> bool | None:
        return True if (await customer.get(f"{path}/changes/{change['id']}"))["status"] == "applied" else None

    assert await eventually(applied)
    assert (await customer.get(path))["seats"] == 3
