"""Whatever goes back of payments is booked, and takes with it the credit that it had paid for."""

import asyncio
from uuid import UUID

import pytest
import pytest_asyncio

from billing.credit_notes.models import Outcome
from billing.invoices.models import Invoice, InvoiceStatus
from billing.payments.errors import NotRefundable, RefundTooLarge, UnknownPayment
from billing.payments.models import Payment
from llmo_core.ids import new_id
from tests.fakes.stripe import AUTHENTICATED, GOOD_CARD
from tests.integration.api_caller import problem
from tests.integration.billing.calling import Caller
from tests.integration.billing.credit.bank import USD
from tests.integration.billing.invoices.cashier import Cashier
from tests.integration.billing.invoices.office import Office
from tests.integration.billing.subscribing import offered


@pytest_asyncio.fixture
async def invoice(operator: Caller, customer: Caller, office: Office) -> Invoice:
    """An invoice of 20 dollars."""
    plan = await offered(operator, "team", "20")
    office.clock.set(2027, 2, 1)
    await customer.made("subscriptions", plan_id=plan["id"])
    return await office.surely_invoiced(customer)


@pytest_asyncio.fixture
async def top_up(customer: Caller, cashier: Cashier) -> Payment:
    """Credit of 10 dollars, bought by card."""
    await cashier.paying.card(customer.org.org_id, GOOD_CARD)
    wallet = await customer.made("wallets", currency="USD", name="Prepaid")
    return await cashier.bought(customer.principal, wallet["id"], 1000)


async def spend(cashier: Cashier, payment: Payment, amount: int) -> None:
    """Spend of the credit that there is."""
    taken: dict[UUID, int] = {}
    for grant in await cashier.bank.credits.spendable(payment.org_id, USD):
        if part := min(grant.remaining, amount - sum(taken.values())):
            taken[grant.id] = part
    await cashier.bank.credits.spend(payment.org_id, USD, invoice_id=new_id(), amounts=taken)


async def test_a_refund_without_a_note_leaves_the_invoice_paid(invoice: Invoice, cashier: Cashier) -> None:
    payment = await cashier.collected(invoice)
    await cashier.refund(payment, 700)

    after = await cashier.found(invoice)
    assert (after.status, after.remaining) == (InvoiceStatus.PAID, 0)
    assert await cashier.given_for_nothing(invoice.org_id, invoice.id) == 700
    assert (await cashier.bank.balances(invoice.org_id))[("cash", None)] == 1300
    assert await cashier.collect(invoice) == "nothing_due"
    await cashier.require_in_order(invoice)


async def test_a_refund_that_fails_afterwards_is_booked_back(invoice: Invoice, cashier: Cashier) -> None:
    payment = await cashier.collected(invoice)
    await cashier.refund(payment, 700)
    [refund] = cashier.paying.stripe.objects("refund")
    await cashier.happens(f"refunds/{refund['id']}", status="failed", failure_reason="expired_or_canceled_card")
    await cashier.paying.told()

    assert await cashier.given_for_nothing(invoice.org_id, invoice.id) == 0
    assert (await cashier.bank.balances(invoice.org_id))[("cash", None)] == 2000
    again = await cashier.refund(payment, None)
    assert (again.amount, again.status) == (2000, "succeeded")
    await cashier.require_in_order(invoice)


async def test_a_note_that_accounts_for_a_refund_gives_credit_where_that_fails(
    invoice: Invoice, cashier: Cashier
) -> None:
    payment = await cashier.collected(invoice)
    await cashier.refund(payment, 700)
    await cashier.credit(invoice, 500)
    [refund] = cashier.paying.stripe.objects("refund")
    await cashier.happens(f"refunds/{refund['id']}", status="failed", failure_reason="unknown")

    assert await cashier.given_for_nothing(invoice.org_id, invoice.id) == 0
    assert (await cashier.bank.wallet(invoice.org_id)).balance == 500
    await cashier.require_in_order(invoice)


async def test_a_refund_made_at_stripe_is_booked_once(invoice: Invoice, cashier: Cashier) -> None:
    payment = await cashier.collected(invoice)
    await cashier.refunded_at_stripe(payment, 700)
    await cashier.paying.told()

    assert await cashier.given_for_nothing(invoice.org_id, invoice.id) == 700
    with pytest.raises(RefundTooLarge):
        await cashier.refund(payment, 1301)
    assert (await cashier.refund(payment, None)).amount == 1300
    await cashier.require_in_order(invoice)


async def test_what_a_bank_takes_back_for_good_is_booked_and_not_owed_again(invoice: Invoice, cashier: Cashier) -> None:
    payment = await cashier.collected(invoice)
    await cashier.lost(payment)
    await cashier.paying.told()

    assert (await cashier.found(invoice)).status is InvoiceStatus.PAID
    assert await cashier.given_for_nothing(invoice.org_id, invoice.id) == 2000
    assert (await cashier.bank.balances(invoice.org_id))[("cash", None)] == 0
    with pytest.raises(RefundTooLarge):
        await cashier.refund(payment, 1)
    note = await cashier.credit(invoice, None, Outcome.REFUND)
    assert (note.allocation.returned, note.refund_id) == (2000, None)
    await cashier.require_in_order(invoice)


async def test_a_dispute_that_is_won_changes_nothing(invoice: Invoice, cashier: Cashier) -> None:
    payment = await cashier.collected(invoice)
    await cashier.happens(f"payment_intents/{payment.stripe_id}/dispute")
    [dispute] = cashier.paying.stripe.objects("dispute")
    await cashier.happens(f"disputes/{dispute['id']}/close", status="won")

    assert (await cashier.bank.balances(invoice.org_id))[("cash", None)] == 2000
    assert (await cashier.refund(payment, None)).amount == 2000


async def test_credit_that_was_bought_goes_with_its_money(top_up: Payment, cashier: Cashier) -> None:
    await cashier.refund(top_up, 400)

    assert (await cashier.bank.wallet(top_up.org_id)).balance == 600
    assert await cashier.given_for_nothing(top_up.org_id, top_up.purpose.id) == 0
    assert (await cashier.bank.balances(top_up.org_id))[("cash", None)] == 600
    announced = await cashier.office.catalogue.announced(top_up.org_id)
    [told] = [event.data for event in announced if event.type == "llmo.billing.credit.reclaimed"]
    assert (told["amount"], told["balance"]) == (400, 600)
    await cashier.bank.require_traceable(top_up.org_id)


async def test_credit_that_was_spent_is_not_refunded(top_up: Payment, cashier: Cashier) -> None:
    await spend(cashier, top_up, 700)
    with pytest.raises(RefundTooLarge):
        await cashier.refund(top_up, 301)

    assert (await cashier.refund(top_up, None)).amount == 300
    assert (await cashier.bank.wallet(top_up.org_id)).balance == 0
    with pytest.raises(RefundTooLarge):
        await cashier.refund(top_up, None)
    await cashier.bank.require_traceable(top_up.org_id)


async def test_but_when_stripe_has_given_it_back_that_is_booked(top_up: Payment, cashier: Cashier) -> None:
    await spend(cashier, top_up, 700)
    await cashier.refunded_at_stripe(top_up, 1000)

    assert (await cashier.bank.wallet(top_up.org_id)).balance == 0
    assert await cashier.given_for_nothing(top_up.org_id, top_up.purpose.id) == 700
    assert (await cashier.bank.balances(top_up.org_id))[("cash", None)] == 0
    await cashier.bank.require_traceable(top_up.org_id)


async def test_a_lost_dispute_takes_credit_that_is_left(top_up: Payment, cashier: Cashier) -> None:
    await spend(cashier, top_up, 700)
    await cashier.lost(top_up)

    assert (await cashier.bank.wallet(top_up.org_id)).balance == 0
    assert await cashier.given_for_nothing(top_up.org_id, top_up.purpose.id) == 700
    await cashier.bank.require_traceable(top_up.org_id)


@pytest.mark.parametrize("refused", [True, False])
async def test_credit_comes_again_when_its_refund_fails(top_up: Payment, cashier: Cashier, *, refused: bool) -> None:
    if refused:
        cashier.paying.stripe.fails("/v1/refunds", method="POST", status=400)
    await cashier.refund(top_up, 400)
    if not refused:
        [refund] = cashier.paying.stripe.objects("refund")
        await cashier.happens(f"refunds/{refund['id']}", status="failed", failure_reason="unknown")

    assert (await cashier.bank.wallet(top_up.org_id)).balance == 1000
    assert (await cashier.bank.balances(top_up.org_id))[("cash", None)] == 1000
    await cashier.bank.require_traceable(top_up.org_id)
    again = await cashier.refund(top_up, None)
    assert (again.amount, again.status) == (1000, "succeeded")


async def test_refunds_at_once_take_no_credit_twice(top_up: Payment, cashier: Cashier) -> None:
    made = await asyncio.gather(*(cashier.refund(top_up, 400) for _ in range(4)), return_exceptions=True)

    assert [type(each) for each in made if isinstance(each, Exception)] == [RefundTooLarge] * 2
    assert (await cashier.bank.wallet(top_up.org_id)).balance == 200
    await cashier.bank.require_traceable(top_up.org_id)


async def test_a_payment_that_came_too_late_is_refunded_with_the_credit_it_became(
    invoice: Invoice, cashier: Cashier, office: Office
) -> None:
    payment = await cashier.collected(invoice, AUTHENTICATED)
    cashier.paying.stripe.fails(f"/v1/payment_intents/{payment.stripe_id}/cancel", status=500, times=9)
    await office.settling.void(invoice.org_id, invoice.id)
    assert (await cashier.paying.found(payment)).status == "requires_action"
    [intent] = cashier.paying.stripe.objects("payment_intent")
    await cashier.paying.stripe.go_on(intent["client_secret"], success=True)
    await cashier.paying.told()
    assert (await office.bank.wallet(invoice.org_id)).balance == 2000
    await cashier.refund(await cashier.paying.found(payment), 1500)

    assert (await office.bank.wallet(invoice.org_id)).balance == 500
    assert await cashier.given_for_nothing(invoice.org_id, invoice.id) == 0
    await cashier.require_in_order(invoice)


async def test_a_void_invoice_is_not_charged_any_more(invoice: Invoice, cashier: Cashier, office: Office) -> None:
    payment = await cashier.collected(invoice, AUTHENTICATED)
    await office.settling.void(invoice.org_id, invoice.id)

    assert (await cashier.paying.found(payment)).status == "cancelled"
    assert [intent["status"] for intent in cashier.paying.stripe.objects("payment_intent")] == ["canceled"]
    announced = [event.type for event in await office.catalogue.announced(invoice.org_id)]
    assert "llmo.billing.invoice.payment_failed" not in announced
    await cashier.require_in_order(invoice)


async def test_credit_of_a_note_is_refunded_in_place_of_it(invoice: Invoice, cashier: Cashier) -> None:
    payment = await cashier.collected(invoice)
    await cashier.credit(invoice, 800)
    await spend(cashier, payment, 300)
    with pytest.raises(RefundTooLarge):
        await cashier.refund(payment, 1701)
    await cashier.refund(payment, 500)

    assert (await cashier.bank.wallet(invoice.org_id)).balance == 0
    assert await cashier.given_for_nothing(invoice.org_id, invoice.id) == 0
    await cashier.require_in_order(invoice)


async def test_only_what_was_paid_is_refunded(invoice: Invoice, cashier: Cashier, operator: Caller) -> None:
    payment = await cashier.collected(invoice, AUTHENTICATED)
    with pytest.raises(NotRefundable):
        await cashier.refund(payment, 1)
    with pytest.raises(UnknownPayment):
        await cashier.refund(payment.model_copy(update={"org_id": operator.org.org_id}), 1)


async def test_over_http_spent_credit_is_refused_by_name(
    top_up: Payment, cashier: Cashier, operator: Caller, customer: Caller
) -> None:
    await spend(cashier, top_up, 700)
    path = f"payments/{top_up.id}/refunds"
    assert problem(await operator("POST", path, json={"amount": 301})) == (409, "refund_too_large")
    assert problem(await customer("POST", path, json={"amount": 1})) == (403, "not_the_operator")
    assert (await operator.made(path))["amount"] == 300


async def test_a_refund_of_which_we_hear_before_its_payment_is_booked_after_it(
    invoice: Invoice, cashier: Cashier
) -> None:
    payment = await cashier.collected(invoice, AUTHENTICATED)
    [intent] = cashier.paying.stripe.objects("payment_intent")
    await cashier.paying.stripe.go_on(intent["client_secret"], success=True)
    await cashier.refunded_at_stripe(payment, 700)
    await cashier.paying.told()

    assert (await cashier.found(invoice)).status is InvoiceStatus.PAID
    assert await cashier.given_for_nothing(invoice.org_id, invoice.id) == 700
    assert (await cashier.bank.balances(invoice.org_id))[("cash", None)] == 1300
    await cashier.require_in_order(invoice)


async def test_a_refund_of_a_payment_that_was_never_booked_is_not_booked(
    invoice: Invoice, cashier: Cashier, office: Office
) -> None:
    payment = await cashier.collected(invoice, AUTHENTICATED)
    await office.settling.void(invoice.org_id, invoice.id)
    [intent] = cashier.paying.stripe.objects("payment_intent")
    intent["status"] = "succeeded"
    await cashier.refunded_at_stripe(payment, 2000)

    assert (await cashier.paying.found(payment)).status == "cancelled"
    assert ("cash", None) not in await cashier.bank.balances(invoice.org_id)
    await cashier.require_in_order(invoice)
