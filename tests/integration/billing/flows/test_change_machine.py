"""A subscription is changed once that is paid for, by its state machine, with the real tasks and Stripe's real SDK."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from billing.api import app
from billing.flows.models import Flow
from billing.paid_changes import wiring as paid_wiring
from billing.paid_changes.events import PaidChangeRequested
from billing.paid_changes.repository import PostgresPaidChanges
from billing.paid_changes.requesting import PaidChangeService
from billing.payments.events import PaymentSucceeded
from billing.payments.models import PaymentStatus
from llmo_core.ids import new_id
from llmo_messaging.consumer import Delivery
from tests.integration.api_caller import problem
from tests.integration.billing.calling import Caller, Json
from tests.integration.billing.flows.machines import Machines
from tests.integration.billing.invoices.dunnery import AUTHENTICATES, DECLINED, GOOD, Dunnery
from tests.integration.billing.subscribing import SEATS, offered


class Upgrading:
    """A customer whose subscription of a seat at 5 dollars, and 20 dollars, was invoiced."""

    def __init__(self, customer: Caller, dunnery: Dunnery, machines: Machines, subscription: Json) -> None:
        self.customer = customer
        self.org_id = customer.org.org_id
        self.dunnery = dunnery
        self.machines = machines
        self.id = subscription["id"]
        self.path = f"subscriptions/{self.id}"

    async def asked(self, seats: int = 3) -> Json:
        """A change that was asked for."""
        answer = await self.customer("POST", f"{self.path}/change", json={"seats": seats, "payment": "required"})
        assert answer.status_code == 202, answer.text
        change: Json = answer.json()
        assert answer.headers["location"].endswith(f"/{self.path}/changes/{change['id']}")
        return change

    async def begun(self, change: Json) -> str:
        """Its execution, which its event starts."""
        kind = PaidChangeRequested.event_type
        announced = await self.dunnery.office.catalogue.announced(self.org_id)
        [told] = [each for each in announced if each.type == kind and each.data["change_id"] == change["id"]]
        delivery = Delivery(told, PaidChangeRequested.model_validate(told.data))
        for _ in range(2):
            await self.machines.following(self.dunnery.paying.database).change([delivery])
        return self.machines.arn(Flow.SUBSCRIPTION_CHANGE, f"subscription-change-{change['id']}")

    async def run(self, change: Json) -> Json:
        """What has become of a change at the end of its execution."""
        ended = await self.machines.ended(await self.begun(change))
        assert ended["status"] == "SUCCEEDED", ended
        return await self.shown(change)

    async def shown(self, change: Json) -> Json:
        answer = await self.customer("GET", f"{self.path}/changes/{change['id']}")
        assert answer.status_code == 200
        shown: Json = answer.json()
        return shown

    async def seats(self) -> int:
        return int((await self.customer("GET", self.path)).json()["seats"])

    async def balance(self) -> int:
        return (await self.dunnery.office.bank.wallet(self.org_id)).balance

    async def until_waiting(self, change: Json) -> Json:
        async with asyncio.timeout(20):
            while True:
                if "await_change" in self.machines.host.asked:
                    return await self.shown(change)
                await asyncio.sleep(0.05)


@pytest.fixture
def within() -> timedelta:
    """How long a change may take to be paid."""
    return timedelta(hours=1)


@pytest.fixture
async def upgrading(
    customer: Caller,
    operator: Caller,
    dunnery: Dunnery,
    machines: Machines,
    within: timedelta,
    monkeypatch: pytest.MonkeyPatch,
) -> Upgrading:
    office = dunnery.office

    async def service() -> PaidChangeService:
        return PaidChangeService(
            changes=PostgresPaidChanges(dunnery.paying.database),
            subscriptions=await office.subscribing.subscriptions(),
            billing=office.drafting,
            credits_=office.bank.credits,
            events=office.events,
            transaction=dunnery.paying.database.transaction,
            clock=office.clock,
            new_id=new_id,
            within=within,
        )

    monkeypatch.setitem(app.dependency_overrides, paid_wiring.paid_change_service, service)
    plan = await offered(operator, "seats", "20", SEATS)
    subscription = await customer.made("subscriptions", plan_id=plan["id"])
    await office.surely_invoiced(customer)
    return Upgrading(customer, dunnery, machines, subscription)


async def test_a_change_is_charged_applied_and_invoiced(upgrading: Upgrading) -> None:
    await upgrading.dunnery.paying.card(upgrading.org_id, GOOD)
    change = await upgrading.asked()
    assert (change["status"], change["amount"], change["seats"], await upgrading.seats()) == ("requested", 1000, 3, 1)

    done = await upgrading.run(change)

    assert (done["status"], done["failure"], await upgrading.seats()) == ("applied", None, 3)
    [invoice, _] = await upgrading.customer.listed("invoices")
    assert (invoice["status"], invoice["total"], invoice["amount_due"]) == ("paid", 1000, 0)
    assert await upgrading.balance() == 0
    await upgrading.dunnery.office.bank.require_traceable(upgrading.org_id)
    assert "collect" not in upgrading.machines.host.asked


async def test_what_is_declined_is_rolled_back_and_may_be_asked_for_again(upgrading: Upgrading) -> None:
    await upgrading.dunnery.paying.card(upgrading.org_id, DECLINED)
    failed = await upgrading.run(await upgrading.asked())

    assert (failed["status"], failed["failure"], await upgrading.seats()) == ("failed", "generic_decline", 1)
    assert await upgrading.balance() == 0
    assert len(await upgrading.customer.listed("invoices")) == 1
    again = await upgrading.asked()
    assert again["id"] != failed["id"]


async def test_without_a_card_nothing_is_charged_or_changed(upgrading: Upgrading) -> None:
    failed = await upgrading.run(await upgrading.asked())
    assert (failed["status"], failed["failure"], failed["top_up_id"]) == ("failed", "no_payment_method", None)


async def test_a_payment_that_is_authenticated_is_told_by_its_event(upgrading: Upgrading) -> None:
    paying = upgrading.dunnery.paying
    await paying.card(upgrading.org_id, AUTHENTICATES)
    change = await upgrading.asked()
    execution = await upgrading.begun(change)
    waiting = await upgrading.until_waiting(change)
    assert (waiting["status"], await upgrading.seats()) == ("charged", 1)
    [payment] = await paying.payments.page(upgrading.org_id, before=None, limit=5)
    assert (payment.status, payment.purpose.id) == (PaymentStatus.REQUIRES_ACTION, UUID(waiting["top_up_id"]))
    assert payment.stripe_id is not None

    secret = (await paying.provider.intent(payment.stripe_id)).client_secret
    assert secret is not None
    await paying.stripe.go_on(secret, success=True)
    await paying.recording().record(upgrading.org_id, payment.id, await paying.provider.intent(payment.stripe_id))
    kind = PaymentSucceeded.event_type
    announced = await upgrading.dunnery.office.catalogue.announced(upgrading.org_id)
    [told] = [each for each in announced if each.type == kind]
    delivery = Delivery(told, PaymentSucceeded.model_validate(told.data))
    for _ in range(2):
        await upgrading.machines.following(paying.database).paid([delivery])

    assert (await upgrading.machines.ended(execution))["status"] == "SUCCEEDED"
    assert ((await upgrading.shown(change))["status"], await upgrading.seats()) == ("applied", 3)


@pytest.mark.parametrize("within", [timedelta(seconds=3)])
async def test_what_is_not_authenticated_in_time_is_given_up_and_rolled_back(upgrading: Upgrading) -> None:
    await upgrading.dunnery.paying.card(upgrading.org_id, AUTHENTICATES)
    failed = await upgrading.run(await upgrading.asked())

    assert (failed["status"], failed["failure"], await upgrading.seats()) == ("failed", "not_confirmed", 1)
    [payment] = await upgrading.dunnery.paying.payments.page(upgrading.org_id, before=None, limit=5)
    assert payment.status is PaymentStatus.CANCELLED


async def test_of_two_changes_at_once_one_is_refused(upgrading: Upgrading) -> None:
    body = {"seats": 3, "payment": "required"}
    answers = await asyncio.gather(
        *(upgrading.customer("POST", f"{upgrading.path}/change", json=body) for _ in range(3))
    )
    [won] = [answer.json() for answer in answers if answer.status_code == 202]
    for refused in answers:
        if refused.status_code != 202:
            assert problem(refused) == (409, "change_under_way")
            assert refused.json()["change_id"] == won["id"]


async def test_what_changed_meanwhile_is_rolled_back_and_what_was_paid_stays_credit(upgrading: Upgrading) -> None:
    await upgrading.dunnery.paying.card(upgrading.org_id, GOOD)
    change = await upgrading.asked()
    at_once = await upgrading.customer("POST", f"{upgrading.path}/change", json={"seats": 2})
    assert at_once.status_code == 200

    failed = await upgrading.run(change)

    assert (failed["status"], failed["failure"], await upgrading.seats()) == ("failed", "changed_meanwhile", 2)
    assert await upgrading.balance() == 1000


async def test_an_execution_that_is_started_again_does_nothing_twice(upgrading: Upgrading) -> None:
    await upgrading.dunnery.paying.card(upgrading.org_id, GOOD)
    change = await upgrading.asked()
    await upgrading.run(change)
    again = await upgrading.machines.begin(
        Flow.SUBSCRIPTION_CHANGE, f"again-{change['id']}", org_id=str(upgrading.org_id), id=change["id"]
    )
    assert (await upgrading.machines.ended(again))["status"] == "SUCCEEDED"
    assert len(await upgrading.customer.listed("invoices")) == 2
    assert await upgrading.seats() == 3


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"seats": 1}, (409, "nothing_to_pay_now")),
        ({"seats": 3, "when": "at_period_end"}, (409, "nothing_to_pay_now")),
        ({"plan_id": str(new_id())}, (404, "unknown_plan")),
        ({"seats": 0}, (422, "malformed_request")),
        ({"payment": "perhaps"}, (422, "malformed_request")),
    ],
)
async def test_what_is_not_paid_for_first_is_refused(
    upgrading: Upgrading, body: dict[str, Any], refused: tuple[int, str]
) -> None:
    answer = await upgrading.customer("POST", f"{upgrading.path}/change", json={"payment": "required", **body})
    assert problem(answer) == refused


async def test_a_change_is_seen_by_its_organization_only(
    upgrading: Upgrading, reader: Caller, operator: Caller
) -> None:
    change = await upgrading.asked()
    path = f"{upgrading.path}/changes/{change['id']}"
    assert (await reader("GET", path)).json() == change
    assert problem(await operator("GET", path)) == (404, "unknown_change")
    assert problem(await reader("GET", f"subscriptions/{new_id()}/changes/{change['id']}")) == (404, "unknown_change")
    denied = await reader("POST", f"{upgrading.path}/change", json={"seats": 3, "payment": "required"})
    assert problem(denied) == (403, "missing_permission")
