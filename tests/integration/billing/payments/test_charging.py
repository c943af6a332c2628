"""What is owed is collected exactly once, whatever happens on the way to Stripe and back."""

import asyncio
import json
import os
import signal
import sys
from datetime import timedelta

import pytest

from billing.payments.errors import AlreadyPaid, AmountNotChargeable, NoPaymentMethod, PaymentUnderWay, UnknownMethod
from billing.payments.models import PaymentStatus
from llmo_core.currencies import Currency
from llmo_core.ids import new_id
from tests.fakes.stripe import AUTHENTICATED, DECLINED_LATER, GOOD_CARD, FakeStripe
from tests.integration.billing.payments.paying import Paying, invoice
from tests.integration.organizations import MakeOrg, Org
from tests.integration.stores import Postgres

INTENTS = "/v1/payment_intents"


async def test_what_is_owed_is_collected_once_and_announced(paying: Paying, stripe: FakeStripe, org: Org) -> None:
    card = await paying.card(org.org_id, GOOD_CARD)
    purpose = invoice()
    paid = await paying.charge(org.org_id, purpose)
    again = await paying.charge(org.org_id, purpose)

    assert paid.status is PaymentStatus.SUCCEEDED
    assert (again.id, again.status) == (paid.id, paid.status)
    assert paying.settled.payments == [paid]
    (call,) = stripe.calls(INTENTS)
    assert call["key"] == str(paid.id)
    assert call["parameters"]["metadata"] == {"org_id": str(org.org_id), "payment_id": str(paid.id)}
    assert (call["parameters"]["amount"], call["parameters"]["currency"]) == ("4900", "usd")
    assert call["parameters"]["payment_method"] == card.stripe_id
    (event,) = await paying.announced(org.org_id)
    assert event.type == "llmo.billing.payment.succeeded"
    assert event.data == {
        "payment_id": str(paid.id),
        "purpose_kind": "invoice",
        "purpose_id": str(purpose.id),
        "amount": 4900,
        "currency": "USD",
        "attempt": 1,
    }


async def test_two_charges_at_once_are_one(paying: Paying, stripe: FakeStripe, org: Org) -> None:
    await paying.card(org.org_id, GOOD_CARD)
    purpose = invoice()
    stripe.fails(INTENTS, stall=0.3)
    outcomes = await asyncio.gather(*(paying.charge(org.org_id, purpose) for _ in range(4)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Payment", *3 * ["PaymentUnderWay"]]
    assert len(stripe.objects("payment_intent")) == 1


async def test_a_declined_card_fails_the_payment_and_the_next_attempt_is_another(
    paying: Paying, stripe: FakeStripe, org: Org
) -> None:
    await paying.card(org.org_id, DECLINED_LATER)
    purpose = invoice()
    first = await paying.charge(org.org_id, purpose)
    good = await paying.card(org.org_id, GOOD_CARD)
    second = await paying.charge(org.org_id, purpose, method_id=good.id)

    assert (first.status, first.failure_code, first.attempt) == (PaymentStatus.FAILED, "generic_decline", 1)
    assert (second.status, second.attempt) == (PaymentStatus.SUCCEEDED, 2)
    assert [payment.status for payment in paying.settled.payments] == ["failed", "succeeded"]
    types = [event.type.rpartition(".")[2] for event in await paying.announced(org.org_id)]
    assert types == ["failed", "succeeded"]
    # Nobody can pay the first one any more, with its secret or without.
    assert [intent["status"] for intent in stripe.objects("payment_intent")] == ["succeeded", "canceled"]


@pytest.mark.parametrize("code", ["insufficient_funds", "expired_card", "lost_card"])
async def test_why_a_bank_refuses_is_told(paying: Paying, stripe: FakeStripe, org: Org, code: str) -> None:
    await paying.card(org.org_id, GOOD_CARD)
    stripe.fails(INTENTS, decline=code)
    payment = await paying.charge(org.org_id)
    assert (payment.status, payment.failure_code) == (PaymentStatus.FAILED, code)


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"status": 503}, {"status": 429}, {"status": 409}, {"status": 401}, {"stall": 30}]
)
async def test_without_an_answer_of_stripes_it_is_pending_until_it_is_asked_again(
    paying: Paying, stripe: FakeStripe, org: Org, fault: dict[str, int]
) -> None:
    await paying.card(org.org_id, GOOD_CARD)
    purpose = invoice()
    stripe.fails(INTENTS, method="POST", **fault)
    payment = await paying.charge(org.org_id, purpose)
    assert (payment.status, payment.stripe_id) == (PaymentStatus.PENDING, None)
    with pytest.raises(PaymentUnderWay):  # the first one may still arrive
        await paying.charge(org.org_id, purpose)

    paying.clock.ahead = timedelta(minutes=3)
    settled = await paying.charge(org.org_id, purpose)
    assert (settled.id, settled.status) == (payment.id, PaymentStatus.SUCCEEDED)
    assert {call["key"] for call in stripe.calls(INTENTS)} == {str(payment.id)}
    assert len(stripe.objects("payment_intent")) == 1


async def test_an_answer_that_got_lost_is_found_and_nothing_is_charged_twice(
    paying: Paying, stripe: FakeStripe, org: Org
) -> None:
    await paying.card(org.org_id, GOOD_CARD)
    stripe.fails(INTENTS, method="POST", lost=True)
    payment = await paying.charge(org.org_id)
    assert payment.status is PaymentStatus.PENDING
    assert len(stripe.objects("payment_intent", status="succeeded")) == 1

    paying.clock.ahead = timedelta(minutes=3)
    charging = await paying.charging()
    checked = await asyncio.gather(*(charging.reconcile(org.org_id, payment.id) for _ in range(3)))
    assert PaymentStatus.SUCCEEDED in {each.status for each in checked}
    assert (await paying.found(payment)).status is PaymentStatus.SUCCEEDED
    assert len(stripe.objects("payment_intent")) == 1
    assert len(stripe.calls(INTENTS)) == 1
    assert len(paying.settled.payments) == 1


async def test_what_was_charged_when_the_process_was_killed_is_recorded_and_charged_once(
    paying: Paying, stripe: FakeStripe, org: Org, postgres: Postgres
) -> None:
    await paying.card(org.org_id, GOOD_CARD)
    purpose = invoice()
    arguments = (json.dumps(postgres.conninfo("llmo_billing")), stripe.url, str(org.org_id), str(purpose.id))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.billing.payments.killed", *arguments),
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert await process.wait() == -signal.SIGKILL
    left = await paying.payments.newest_for(org.org_id, purpose)
    assert left is not None
    assert (left.status, left.stripe_id) == (PaymentStatus.PENDING, None)
    assert len(stripe.objects("payment_intent", status="succeeded")) == 1

    paying.clock.ahead = timedelta(minutes=3)
    paid = await paying.charge(org.org_id, purpose)
    assert (paid.id, paid.status) == (left.id, PaymentStatus.SUCCEEDED)
    assert len(stripe.objects("payment_intent")) == 1
    assert [each.id for each in paying.settled.payments] == [left.id]


async def test_a_request_that_never_arrived_is_not_repeated_when_stripe_has_forgotten_its_key(
    paying: Paying, stripe: FakeStripe, org: Org
) -> None:
    await paying.card(org.org_id, GOOD_CARD)
    stripe.fails(INTENTS, method="POST", status=500)
    payment = await paying.charge(org.org_id)
    paying.clock.ahead = timedelta(hours=24)
    checked = await (await paying.charging()).reconcile(org.org_id, payment.id)
    assert (checked.status, checked.failure_code) == (PaymentStatus.FAILED, "abandoned")
    assert stripe.objects("payment_intent") == []


async def test_everything_that_is_due_is_reconciled_and_what_is_final_is_left(
    paying: Paying, stripe: FakeStripe, org: Org, make_org: MakeOrg
) -> None:
    other = await make_org()
    open_payments = []
    for each in (org, other):
        await paying.card(each.org_id, GOOD_CARD)
        stripe.fails(INTENTS, method="POST", lost=True)
        open_payments.append(await paying.charge(each.org_id))
    charging = await paying.charging()
    paying.clock.ahead = timedelta(minutes=3)
    await charging.reconcile_due(1000)
    assert {(await paying.found(payment)).status for payment in open_payments} == {PaymentStatus.SUCCEEDED}
    asked = len(stripe.calls(INTENTS, "GET"))
    await charging.reconcile_due(1000)
    assert len(stripe.calls(INTENTS, "GET")) == asked


async def test_a_payment_that_cannot_be_checked_keeps_no_other_from_its_turn(
    paying: Paying, stripe: FakeStripe, org: Org
) -> None:
    await paying.card(org.org_id, GOOD_CARD)
    stripe.fails(INTENTS, method="POST", lost=True, times=2)
    foreign, mine = await paying.charge(org.org_id), await paying.charge(org.org_id)
    (intent,) = [each for each in stripe.objects("payment_intent") if each["metadata"]["payment_id"] == str(foreign.id)]
    intent["amount"] += 1  # somebody else's, it seems
    paying.clock.ahead = timedelta(minutes=3)
    await (await paying.charging()).reconcile_due(1000)
    assert (await paying.found(foreign)).status is PaymentStatus.PENDING
    assert (await paying.found(mine)).status is PaymentStatus.SUCCEEDED


async def test_in_a_transaction_of_the_callers_stripe_is_asked_after_its_commit(
    paying: Paying, stripe: FakeStripe, org: Org
) -> None:
    await paying.card(org.org_id, GOOD_CARD)
    async with paying.database.transaction(org.org_id):
        payment = await paying.charge(org.org_id)
        assert payment.status is PaymentStatus.PENDING
        assert stripe.calls(INTENTS) == []
    assert (await paying.found(payment)).status is PaymentStatus.SUCCEEDED


async def test_what_the_caller_rolls_back_is_never_charged(paying: Paying, stripe: FakeStripe, org: Org) -> None:
    await paying.card(org.org_id, GOOD_CARD)

    async def charged_and_undone() -> None:
        async with paying.database.transaction(org.org_id):
            await paying.charge(org.org_id)
            raise KeyError

    with pytest.raises(KeyError):
        await charged_and_undone()
    assert await paying.payments.page(org.org_id, before=None, limit=1) == []
    assert stripe.calls(INTENTS) == []


async def test_what_cannot_be_settled_stays_open_and_is_settled_later(
    paying: Paying, stripe: FakeStripe, org: Org
) -> None:
    await paying.card(org.org_id, GOOD_CARD)
    paying.settled.wrong = RuntimeError("the invoice is locked")
    payment = await paying.charge(org.org_id)
    assert payment.status is PaymentStatus.PENDING
    assert await paying.announced(org.org_id) == []

    paying.settled.wrong = None
    paying.clock.ahead = timedelta(minutes=3)
    await (await paying.charging()).reconcile(org.org_id, payment.id)
    assert [each.status for each in paying.settled.payments] == [PaymentStatus.SUCCEEDED]
    assert len(stripe.objects("payment_intent")) == 1


async def test_a_payment_that_is_authenticated_succeeds(paying: Paying, stripe: FakeStripe, org: Org) -> None:
    await paying.card(org.org_id, AUTHENTICATED)
    payment = await paying.charge(org.org_id)
    assert payment.status is PaymentStatus.REQUIRES_ACTION
    (intent,) = stripe.objects("payment_intent")
    await stripe.go_on(intent["client_secret"], success=True)
    await paying.told("payment_intent.requires_action", "payment_intent.succeeded")
    assert (await paying.found(payment)).status is PaymentStatus.SUCCEEDED
    types = [event.type.rpartition(".")[2] for event in await paying.announced(org.org_id)]
    assert types == ["action_required", "succeeded"]


async def test_a_payment_whose_authentication_fails_has_failed_for_good(
    paying: Paying, stripe: FakeStripe, org: Org
) -> None:
    await paying.card(org.org_id, AUTHENTICATED)
    payment = await paying.charge(org.org_id)
    (intent,) = stripe.objects("payment_intent")
    await stripe.go_on(intent["client_secret"], success=False)
    await paying.told()
    failed = await paying.found(payment)
    assert (failed.status, failed.failure_code) == (PaymentStatus.FAILED, "payment_intent_authentication_failure")
    assert stripe.objects("payment_intent")[0]["status"] == "canceled"


async def test_a_payment_that_nobody_authenticates_expires(paying: Paying, stripe: FakeStripe, org: Org) -> None:
    await paying.card(org.org_id, AUTHENTICATED)
    payment = await paying.charge(org.org_id)
    paying.clock.ahead = timedelta(hours=24)
    await (await paying.charging()).reconcile(org.org_id, payment.id)
    expired = await paying.found(payment)
    assert (expired.status, expired.failure_code) == (PaymentStatus.FAILED, "authentication_expired")
    assert stripe.objects("payment_intent")[0]["status"] == "canceled"


async def test_a_payment_under_way_can_be_given_up(paying: Paying, stripe: FakeStripe, org: Org) -> None:
    await paying.card(org.org_id, AUTHENTICATED)
    purpose = invoice()
    await paying.charge(org.org_id, purpose)
    given_up = await (await paying.charging()).cancel(org.org_id, purpose)
    assert given_up is not None
    assert given_up.status is PaymentStatus.CANCELLED
    assert stripe.objects("payment_intent")[0]["status"] == "canceled"
    assert (await paying.announced(org.org_id))[-1].type == "llmo.billing.payment.cancelled"


async def test_what_was_paid_meanwhile_is_not_given_up(paying: Paying, stripe: FakeStripe, org: Org) -> None:
    await paying.card(org.org_id, AUTHENTICATED)
    purpose = invoice()
    await paying.charge(org.org_id, purpose)
    await stripe.go_on(stripe.objects("payment_intent")[0]["client_secret"], success=True)
    kept = await (await paying.charging()).cancel(org.org_id, purpose)
    assert kept is not None
    assert kept.status is PaymentStatus.SUCCEEDED


async def test_what_cannot_be_charged_is_refused(
    paying: Paying, stripe: FakeStripe, org: Org, make_org: MakeOrg
) -> None:
    with pytest.raises(NoPaymentMethod):
        await paying.charge(org.org_id)
    card = await paying.card(org.org_id, GOOD_CARD)
    other = await make_org()
    for amount, currency in ((0, "USD"), (-1, "USD"), (100_000_000, "USD"), (5125, "KWD")):
        with pytest.raises(AmountNotChargeable):
            await paying.charge(org.org_id, amount=amount, currency=Currency(currency))
    with pytest.raises(UnknownMethod):
        await paying.charge(org.org_id, method_id=new_id())
    with pytest.raises(UnknownMethod):
        await paying.charge(other.org_id, method_id=card.id)
    purpose = invoice()
    await paying.charge(org.org_id, purpose)
    with pytest.raises(AlreadyPaid):
        await paying.charge(org.org_id, purpose, amount=100)
    with pytest.raises(AlreadyPaid):
        await paying.charge(org.org_id, purpose, currency=Currency.EUR)
    assert len(stripe.calls(INTENTS)) == 1
