"""Cards, payments, refunds and Stripe's pages over HTTP, each organization by itself."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from billing.payments.models import PaymentStatus
from llmo_core.ids import new_id
from tests.fakes.stripe import AUTHENTICATED, DISPUTED, GOOD_CARD, FakeStripe
from tests.integration.api_caller import problem
from tests.integration.billing.calling import Caller
from tests.integration.billing.payments.paying import Paying

SESSION = {"success_url": "https://app.example.com/done", "cancel_url": "http://127.0.0.1:8080/billing"}


async def test_a_card_is_saved_with_a_setup_intent(paying: Paying, stripe: FakeStripe, caller: Caller) -> None:
    setup = await caller.made("setup-intents")
    assert setup["publishable_key"] == "pk_test_standin"
    await stripe.save_card(setup)
    await paying.told()
    await paying.told()
    (card,) = await caller.listed("payment-methods")
    assert {name: card[name] for name in ("kind", "brand", "last4", "default")} == {
        "kind": "card",
        "brand": "visa",
        "last4": "4242",
        "default": True,
    }
    assert len(stripe.objects("customer")) == 1
    (call,) = stripe.calls("/v1/setup_intents")
    assert call["parameters"]["allowed_payment_method_types"] == ["card"]


async def test_a_request_that_is_repeated_begins_one_setup(caller: Caller, stripe: FakeStripe) -> None:
    headers = {"Idempotency-Key": "once"}
    first = await caller("POST", "setup-intents", headers=headers)
    second = await caller("POST", "setup-intents", headers=headers)
    assert (first.status_code, first.json()) == (201, second.json())
    assert len(stripe.objects("setup_intent")) == 1


async def test_a_card_is_saved_on_stripes_page(stripe: FakeStripe, caller: Caller) -> None:
    page = await caller.made("checkout-sessions", **SESSION)
    assert page["url"].startswith(f"{stripe.url}/_fake/checkout/cs_")
    (session,) = stripe.objects("checkout.session")
    assert (session["mode"], session["success_url"]) == ("setup", SESSION["success_url"])


async def test_the_portal_is_there_where_it_is_configured(paying: Paying, stripe: FakeStripe, caller: Caller) -> None:
    body = {"return_url": "https://app.example.com/billing"}
    assert (await caller.made("portal-sessions", **body))["url"].startswith(stripe.url)
    paying.portal = "bpc_own"
    await caller.made("portal-sessions", **body)
    assert [each["configuration"] for each in stripe.objects("billing_portal.session")] == ["bpc_own", "bpc_default"]
    paying.portal = None
    assert problem(await caller("POST", "portal-sessions", json=body)) == (409, "portal_not_configured")


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example.com/",
        "ftp://127.0.0.1/",
        "javascript:alert(1)",
        "https://user:secret@example.com/",
        "https://",
        "//example.com",
        "https://exa mple.com/",
        "http://127.0.0.1.example.com/",
        "http://localhost@example.com/",
        "https://[::1/",
        "https://example.com:99999/",
        "https:\\\\example.com",
        "https://example.com/" + 2000 * "a",
        "",
        None,
        7,
    ],
)
async def test_browsers_are_sent_back_to_nowhere_else(caller: Caller, stripe: FakeStripe, url: Any) -> None:
    assert problem(await caller("POST", "portal-sessions", json={"return_url": url}))[0] == 422
    assert problem(await caller("POST", "checkout-sessions", json={**SESSION, "cancel_url": url}))[0] == 422
    assert stripe.calls("/v1/checkout/sessions") == []


async def test_another_card_becomes_the_default_and_cards_are_forgotten(
    paying: Paying, stripe: FakeStripe, caller: Caller
) -> None:
    first, second = [await paying.card(caller.org.org_id, number) for number in (GOOD_CARD, DISPUTED)]
    changed = await caller("POST", f"payment-methods/{second.id}/default")
    assert (changed.status_code, changed.json()["default"]) == (200, True)
    back = await caller("POST", f"payment-methods/{first.id}/default")
    again = await caller("POST", f"payment-methods/{second.id}/default")
    assert (back.json()["default"], again.json()["default"]) == (True, True)
    assert [card["default"] for card in await caller.listed("payment-methods")] == [True, False]
    (customer,) = stripe.objects("customer")
    assert customer["invoice_settings"]["default_payment_method"] == second.stripe_id

    assert (await caller("DELETE", f"payment-methods/{second.id}")).status_code == 204
    assert problem(await caller("DELETE", f"payment-methods/{second.id}")) == (404, "unknown_method")
    assert [card["id"] for card in await caller.listed("payment-methods")] == [str(first.id)]
    assert stripe.objects("payment_method")[0]["customer"] is None


async def test_a_card_that_is_gone_at_stripe_can_be_forgotten(
    paying: Paying, stripe: FakeStripe, caller: Caller
) -> None:
    gone, detached = [await paying.card(caller.org.org_id, number) for number in (GOOD_CARD, DISPUTED)]
    del stripe.api.store.objects[gone.stripe_id]
    stripe.api.store.objects[detached.stripe_id]["customer"] = None
    for card in (gone, detached):
        assert (await caller("DELETE", f"payment-methods/{card.id}")).status_code == 204


async def test_a_payment_is_shown_with_its_secret_refunds_and_disputes(
    paying: Paying, stripe: FakeStripe, caller: Caller, operating: Caller
) -> None:
    card = await paying.card(caller.org.org_id, AUTHENTICATED)
    payment = await paying.charge(caller.org.org_id)
    shown = (await caller("GET", f"payments/{payment.id}")).json()
    assert (shown["status"], shown["payment_method_id"]) == ("requires_action", str(card.id))
    await stripe.go_on(shown["client_secret"], success=True)
    await paying.told()
    refund = await operating.made(f"payments/{payment.id}/refunds", amount=900)
    assert payment.stripe_id is not None
    await stripe.happens(f"payment_intents/{payment.stripe_id}/dispute")
    await paying.told()
    claimed = await operating("POST", f"payments/{payment.id}/refunds", json={"amount": 1})
    assert problem(claimed) == (409, "refund_too_large")
    shown = (await caller("GET", f"payments/{payment.id}")).json()
    assert (shown["status"], shown["client_secret"]) == ("succeeded", None)
    assert shown["refunds"] == [refund]
    assert [dispute["status"] for dispute in shown["disputes"]] == ["needs_response"]
    listed = await caller.listed("payments")
    assert listed == [{name: value for name, value in shown.items() if name in listed[0]}]


async def test_payments_are_listed_page_by_page(paying: Paying, caller: Caller) -> None:
    await paying.card(caller.org.org_id, GOOD_CARD)
    made = [await paying.charge(caller.org.org_id, amount=amount) for amount in range(100, 105)]
    assert [each["id"] for each in await caller.listed("payments")] == [str(each.id) for each in reversed(made)]


async def test_a_payment_is_refunded_in_parts_and_never_more_than_it_was(
    paying: Paying, stripe: FakeStripe, caller: Caller, operating: Caller
) -> None:
    await paying.card(caller.org.org_id, GOOD_CARD)
    payment = await paying.charge(caller.org.org_id)
    path = f"payments/{payment.id}/refunds"
    part = await operating.made(path, amount=900, reason="duplicate")
    assert (part["status"], part["amount"]) == ("succeeded", 900)
    assert problem(await operating("POST", path, json={"amount": 4001})) == (409, "refund_too_large")
    assert (await operating.made(path))["amount"] == 4000
    assert problem(await operating("POST", path, json={})) == (409, "refund_too_large")
    assert sum(refund["amount"] for refund in stripe.objects("refund")) == 4900
    types = [event.type for event in await paying.announced(caller.org.org_id)]
    assert types[1:] == 2 * ["llmo.billing.refund.requested", "llmo.billing.refund.succeeded"]


async def test_refunds_at_once_give_back_no_more_than_was_paid(
    paying: Paying, stripe: FakeStripe, caller: Caller, operating: Caller
) -> None:
    await paying.card(caller.org.org_id, GOOD_CARD)
    path = f"payments/{(await paying.charge(caller.org.org_id)).id}/refunds"
    answers = await asyncio.gather(*(operating("POST", path, json={"amount": 2000}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409]
    assert sum(refund["amount"] for refund in stripe.objects("refund")) == 4000


async def test_a_refund_that_is_asked_for_again_is_the_same(
    paying: Paying, stripe: FakeStripe, caller: Caller, operating: Caller
) -> None:
    await paying.card(caller.org.org_id, GOOD_CARD)
    path = f"payments/{(await paying.charge(caller.org.org_id)).id}/refunds"
    headers = {"Idempotency-Key": "once"}
    answers = [await operating("POST", path, json={"amount": 900}, headers=headers) for _ in range(3)]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(stripe.objects("refund")) == 1
    other = await operating("POST", path, json={"amount": 901}, headers=headers)
    assert problem(other) == (422, "request_key_reused")


async def test_a_refund_without_an_answer_is_made_once_when_stripe_is_asked_again(
    paying: Paying, stripe: FakeStripe, caller: Caller, operating: Caller
) -> None:
    await paying.card(caller.org.org_id, GOOD_CARD)
    payment = await paying.charge(caller.org.org_id)
    stripe.fails("/v1/refunds", method="POST", lost=True)
    lost = await operating.made(f"payments/{payment.id}/refunds", amount=900)
    stripe.fails("/v1/refunds", method="POST", status=500)
    failed = await operating.made(f"payments/{payment.id}/refunds", amount=100)
    assert (lost["status"], failed["status"]) == ("pending", "pending")
    paying.clock.ahead = timedelta(minutes=3)
    await (await paying.refunding()).reconcile_due(1000)
    kept = await paying.refunds.of_payment(caller.org.org_id, payment.id)
    assert [refund.status for refund in kept] == ["succeeded", "succeeded"]
    assert [refund["amount"] for refund in stripe.objects("refund")] == [100, 900]


async def test_a_refund_that_a_bank_sends_back_has_failed(
    paying: Paying, stripe: FakeStripe, caller: Caller, operating: Caller
) -> None:
    await paying.card(caller.org.org_id, GOOD_CARD)
    payment = await paying.charge(caller.org.org_id)
    path = f"payments/{payment.id}/refunds"
    await operating.made(path)
    (refund,) = stripe.objects("refund")
    await stripe.happens(f"refunds/{refund['id']}", status="failed", failure_reason="expired_or_canceled_card")
    await paying.told("refund.failed")
    await paying.told()
    (kept,) = await paying.refunds.of_payment(caller.org.org_id, payment.id)
    assert (kept.status, kept.failure_code) == ("failed", "expired_or_canceled_card")
    assert (await paying.announced(caller.org.org_id))[-1].type == "llmo.billing.refund.failed"


@pytest.mark.parametrize(
    "body",
    [
        *({"amount": amount} for amount in (0, -1, 1.5, "900", True, 10**30)),
        {"reason": "whim"},
        {"currency": "EUR"},
        [],
        "x",
    ],
)
async def test_a_refund_of_nonsense_is_refused(
    paying: Paying, stripe: FakeStripe, caller: Caller, operating: Caller, body: Any
) -> None:
    await paying.card(caller.org.org_id, GOOD_CARD)
    payment = await paying.charge(caller.org.org_id)
    assert problem(await operating("POST", f"payments/{payment.id}/refunds", json=body))[0] == 422
    assert stripe.calls("/v1/refunds") == []


async def test_only_the_operator_refunds_and_only_what_was_paid(
    paying: Paying, caller: Caller, operating: Caller
) -> None:
    await paying.card(caller.org.org_id, AUTHENTICATED)
    payment = await paying.charge(caller.org.org_id)
    assert payment.status is PaymentStatus.REQUIRES_ACTION
    path = f"payments/{payment.id}/refunds"
    assert problem(await caller("POST", path, json={})) == (403, "not_the_operator")
    assert problem(await operating("POST", path, json={})) == (409, "not_refundable")
    assert problem(await operating("POST", f"payments/{new_id()}/refunds", json={})) == (404, "unknown_payment")


async def test_nothing_of_another_organizations_is_seen_or_changed(
    paying: Paying, stripe: FakeStripe, caller: Caller, stranger: Caller
) -> None:
    card = await paying.card(caller.org.org_id, GOOD_CARD)
    payment = await paying.charge(caller.org.org_id)
    assert await stranger.listed("payments") == []
    assert await stranger.listed("payment-methods") == []
    assert problem(await stranger("GET", f"payments/{payment.id}")) == (404, "unknown_payment")
    assert problem(await stranger("POST", f"payment-methods/{card.id}/default")) == (404, "unknown_method")
    assert problem(await stranger("DELETE", f"payment-methods/{card.id}")) == (404, "unknown_method")
    assert problem(await stranger("POST", f"payments/{payment.id}/refunds", json={})) == (403, "not_the_operator")
    assert len(await caller.listed("payment-methods")) == 1
    assert stripe.calls("/v1/refunds") == []


async def test_who_may_only_read_changes_nothing(paying: Paying, caller: Caller, reader: Caller) -> None:
    card = await paying.card(caller.org.org_id, GOOD_CARD)
    payment = await paying.charge(caller.org.org_id)
    for method, path in (
        ("POST", "setup-intents"),
        ("POST", f"payment-methods/{card.id}/default"),
        ("DELETE", f"payment-methods/{card.id}"),
        ("POST", f"payments/{payment.id}/refunds"),
        ("POST", "checkout-sessions"),
        ("POST", "portal-sessions"),
    ):
        assert problem(await reader(method, path, json={})) == (403, "missing_permission"), path
    assert len(await reader.listed("payments")) == 1
    assert len(await reader.listed("payment-methods")) == 1


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 429}, {"status": 401}, {"stall": 30}])
async def test_without_stripe_the_caller_is_told_to_try_again(
    caller: Caller, stripe: FakeStripe, fault: dict[str, int]
) -> None:
    stripe.fails("/v1/.*", **fault)
    answer = await caller("POST", "setup-intents")
    assert problem(answer) == (503, "provider_unavailable")
    assert "retry-after" in answer.headers
