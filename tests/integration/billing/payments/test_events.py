"""What Stripe tells: before our commit, after it, twice, and in any order."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from billing.payments.models import PaymentStatus
from billing.payments.notices import Notice
from billing.payments.provider import ProviderUnavailable, RefundStatus
from llmo_core.ids import new_id
from tests.fakes.stripe import AUTHENTICATED, DECLINED_LATER, DISPUTED, GOOD_CARD, FakeStripe
from tests.integration.billing.payments.paying import Paying, notice_of
from tests.integration.organizations import MakeOrg, Org

INTENTS = "/v1/payment_intents"


async def test_an_event_that_comes_before_our_commit_finds_the_payment_by_its_id(
    paying: Paying, stripe: FakeStripe, org: Org
) -> None:
    await paying.card(org.org_id, GOOD_CARD)
    stripe.fails(INTENTS, method="POST", lost=True)
    payment = await paying.charge(org.org_id)
    assert (payment.status, payment.stripe_id) == (PaymentStatus.PENDING, None)
    await paying.told("payment_intent.succeeded")
    found = await paying.found(payment)
    assert found.status is PaymentStatus.SUCCEEDED
    assert found.stripe_id == stripe.objects("payment_intent")[0]["id"]
    assert len(paying.settled.payments) == 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("card", [GOOD_CARD, AUTHENTICATED, DECLINED_LATER])
async def test_events_may_come_twice_and_in_any_order(
    paying: Paying, stripe: FakeStripe, org: Org, card: str, seed: int
) -> None:
    await paying.card(org.org_id, card)
    stripe.fails(INTENTS, method="POST", lost=True)
    payment = await paying.charge(org.org_id)
    if card == AUTHENTICATED:
        await stripe.go_on(stripe.objects("payment_intent")[0]["client_secret"], success=True)
    events = stripe.events() * 2
    random.Random(seed).shuffle(events)  # noqa: S311 - an order
    applying = await paying.applying()
    for event in events:
        await applying.apply(notice_of(event))

    expected = PaymentStatus.FAILED if card == DECLINED_LATER else PaymentStatus.SUCCEEDED
    assert (await paying.found(payment)).status is expected
    assert [each.status for each in paying.settled.payments] == [expected]
    types = [event.type.rpartition(".")[2] for event in await paying.announced(org.org_id)]
    assert types == [expected.value]


async def test_what_has_succeeded_is_not_undone_by_a_later_event(paying: Paying, stripe: FakeStripe, org: Org) -> None:
    await paying.card(org.org_id, GOOD_CARD)
    payment = await paying.charge(org.org_id)
    stripe.api.store.objects[payment.stripe_id or ""]["status"] = "requires_action"
    await paying.told()
    assert (await paying.found(payment)).status is PaymentStatus.SUCCEEDED


def _intents(org: Org, other: Org, payment_id: str) -> Sequence[tuple[str, dict[str, Any]]]:
    mine = {"org_id": str(org.org_id), "payment_id": payment_id}
    return [
        ("another amount", {"amount": 1}),
        ("another currency", {"currency": "eur"}),
        ("no note of ours", {"metadata": {}}),
        ("a payment that is none", {"metadata": {**mine, "payment_id": str(new_id())}}),
        ("another organization", {"metadata": {**mine, "org_id": str(other.org_id)}}),
        ("nonsense", {"metadata": {"org_id": "x", "payment_id": "y"}}),
        ("a customer of nobody's", {"customer": "cus_unknown"}),
        ("a currency we bill nothing in", {"currency": "isk"}),
    ]


@pytest.mark.parametrize("number", range(8))
async def test_an_intent_that_is_not_the_payments_changes_nothing(
    paying: Paying, stripe: FakeStripe, org: Org, make_org: MakeOrg, number: int
) -> None:
    await paying.card(org.org_id, GOOD_CARD)
    stripe.fails(INTENTS, method="POST", status=500)
    payment = await paying.charge(org.org_id)
    customer = await paying.customers.find(org.org_id)
    _, wrong = _intents(org, await make_org(), str(payment.id))[number]
    intent = {
        "amount": payment.amount,
        "currency": "usd",
        "customer": customer,
        "status": "succeeded",
        "metadata": {"org_id": str(org.org_id), "payment_id": str(payment.id)},
    }
    forged = stripe.api.store.add("payment_intent", "pi", **{**intent, **wrong})
    stripe.api.store.happened("payment_intent.succeeded", forged)
    await paying.told("payment_intent.succeeded")
    assert (await paying.found(payment)).status is PaymentStatus.PENDING
    assert paying.settled.payments == []


async def test_what_stripe_does_not_know_and_what_means_nothing_is_left(paying: Paying) -> None:
    applying = await paying.applying()
    for kind, object_id in (
        ("payment_intent.succeeded", "pi_gone"),
        ("refund.created", "re_gone"),
        ("charge.dispute.created", "du_gone"),
        ("payment_method.attached", "pm_gone"),
        ("customer.updated", "cus_gone"),
        ("setup_intent.succeeded", "seti_gone"),
        ("charge.succeeded", "ch_gone"),
    ):
        await applying.apply(Notice(id=f"evt_{new_id().hex}", type=kind, object_id=object_id))


async def test_an_event_waits_for_stripe_to_answer(paying: Paying, stripe: FakeStripe, org: Org) -> None:
    await paying.card(org.org_id, GOOD_CARD)
    payment = await paying.charge(org.org_id)
    stripe.fails(f"{INTENTS}/.*", method="GET", status=500)
    (event,) = stripe.events("payment_intent.succeeded")
    with pytest.raises(ProviderUnavailable):
        await (await paying.applying()).apply(notice_of(event))
    assert (await paying.found(payment)).status is PaymentStatus.SUCCEEDED


async def test_a_dispute_is_recorded_announced_and_closed(paying: Paying, stripe: FakeStripe, org: Org) -> None:
    await paying.card(org.org_id, DISPUTED)
    payment = await paying.charge(org.org_id)
    await paying.told()
    await paying.told()
    (opened,) = await paying.disputes.of_payment(org.org_id, payment.id)
    assert (opened.amount, opened.reason, opened.status, opened.closed_at) == (
        4900,
        "fraudulent",
        "needs_response",
        None,
    )

    await stripe.happens(f"disputes/{opened.stripe_id}/close", status="lost")
    await paying.told("charge.dispute.closed")
    await paying.told()
    (closed,) = await paying.disputes.of_payment(org.org_id, payment.id)
    assert closed.status == "lost"
    assert closed.closed_at is not None
    types = [event.type for event in await paying.announced(org.org_id)]
    assert types == [f"llmo.billing.{kind}" for kind in ("payment.succeeded", "dispute.opened", "dispute.closed")]


async def test_a_refund_that_was_made_at_stripe_is_recorded(paying: Paying, stripe: FakeStripe, org: Org) -> None:
    await paying.card(org.org_id, GOOD_CARD)
    payment = await paying.charge(org.org_id)
    refund = stripe.api.store.add(
        "refund", "re", amount=900, currency="usd", payment_intent=payment.stripe_id, status="succeeded", metadata={}
    )
    stripe.api.store.happened("refund.created", refund)
    await paying.told("refund.created")
    await paying.told("refund.created")
    (kept,) = await paying.refunds.of_payment(org.org_id, payment.id)
    assert (kept.amount, kept.status, kept.reason, kept.created_by) == (900, RefundStatus.SUCCEEDED, None, None)
    assert (await paying.announced(org.org_id))[-1].type == "llmo.billing.refund.succeeded"


async def test_cards_are_saved_renewed_preferred_and_forgotten_by_events(
    paying: Paying, stripe: FakeStripe, org: Org
) -> None:
    first = await paying.card(org.org_id, GOOD_CARD)
    second = await paying.card(org.org_id, DISPUTED)
    await paying.told()
    assert (first.is_default, second.is_default) == (True, False)

    store = stripe.api.store
    store.objects[second.stripe_id]["card"] |= {"exp_year": 2049}
    store.happened("payment_method.automatically_updated", store.objects[second.stripe_id])
    customer = store.objects[await paying.customers.find(org.org_id) or ""]
    customer["invoice_settings"]["default_payment_method"] = second.stripe_id
    store.happened("customer.updated", customer)
    await paying.told()
    kept = {method.id: method for method in await paying.methods.page(org.org_id, before=None, limit=9)}
    assert kept[second.id].exp_year == 2049
    assert [kept[method.id].is_default for method in (first, second)] == [False, True]

    store.objects[second.stripe_id]["customer"] = None
    store.happened("payment_method.detached", store.objects[second.stripe_id])
    await paying.told()
    assert [method.id for method in await paying.methods.page(org.org_id, before=None, limit=9)] == [first.id]
    assert await paying.methods.default(org.org_id) is None
