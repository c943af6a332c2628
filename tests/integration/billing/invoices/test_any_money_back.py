"""Whatever goes back of what was paid: the ledger traces every cent, and nobody gets more than there was."""

from contextlib import suppress
from typing import Any

import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.credit_notes.models import Outcome
from billing.invoices.models import Invoice, InvoiceStatus
from billing.ledger.bookings import promoted
from billing.payments.models import Payment, PaymentStatus, PurposeKind
from llmo_core.errors import Conflict
from llmo_core.ids import new_id
from tests.fakes.stripe import GOOD_CARD
from tests.integration.billing.calling import Caller
from tests.integration.billing.credit.bank import USD
from tests.integration.billing.invoices.cashier import Cashier
from tests.integration.billing.invoices.office import Office
from tests.integration.billing.subscribing import offered
from tests.integration.organizations import MakeOrg

VAT = {"rates": [{"code": "vat", "name": "VAT", "percent": "19"}]}
AMOUNTS = st.integers(1, 1500)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("credit"), AMOUNTS, st.sampled_from(Outcome)),
        st.tuples(st.just("credit_the_rest"), st.sampled_from(Outcome)),
        st.tuples(st.just("refund"), AMOUNTS),
        st.tuples(st.just("refund_at_stripe"), AMOUNTS),
        st.tuples(st.just("fail_a_refund")),
        st.tuples(st.just("refuse_the_next")),
        st.tuples(st.just("spend"), AMOUNTS),
        st.tuples(st.just("lose")),
        st.tuples(st.just("collect")),
        st.tuples(st.just("give_up")),
    ),
    min_size=1,
    max_size=9,
)


class History:
    """Does what happens to one invoice, which was paid by a card or not."""

    def __init__(self, cashier: Cashier, invoice: Invoice) -> None:
        self._cashier = cashier
        self._stripe = cashier.paying.stripe
        self.invoice = invoice

    async def credit(self, amount: int, outcome: Outcome) -> None:
        await self._cashier.credit(self.invoice, amount, outcome)

    async def credit_the_rest(self, outcome: Outcome) -> None:
        await self._cashier.credit(self.invoice, None, outcome)

    async def collect(self) -> None:
        await self._cashier.collect(self.invoice)

    async def give_up(self) -> None:
        await self._cashier.office.settling.give_up(self.invoice.org_id, self.invoice.id)

    async def refund(self, amount: int) -> None:
        payment = await self._paid()
        if payment is not None:
            await self._cashier.refund(payment, amount)

    async def refund_at_stripe(self, amount: int) -> None:
        payment = await self._paid()
        if payment is None:
            return
        refunds, disputes = (
            self._stripe.objects(kind, payment_intent=payment.stripe_id) for kind in ("refund", "dispute")
        )
        left = payment.amount - sum(each["amount"] for each in refunds if each["status"] != "failed")
        if left > 0 and not disputes:
            await self._cashier.refunded_at_stripe(payment, min(amount, left))

    async def fail_a_refund(self) -> None:
        for refund in self._stripe.objects("refund", status="succeeded")[:1]:
            await self._cashier.happens(f"refunds/{refund['id']}", status="failed", failure_reason="unknown")

    async def refuse_the_next(self) -> None:
        self._stripe.fails("/v1/refunds", method="POST", status=400)

    async def spend(self, amount: int) -> None:
        org_id = self.invoice.org_id
        for grant in (await self._cashier.bank.credits.spendable(org_id, USD))[:1]:
            amounts = {grant.id: min(grant.remaining, amount)}
            await self._cashier.bank.credits.spend(org_id, USD, invoice_id=new_id(), amounts=amounts)

    async def lose(self) -> None:
        payment = await self._paid()
        if payment is not None and not self._stripe.objects("dispute", payment_intent=payment.stripe_id):
            await self._cashier.lost(payment)

    async def _paid(self) -> Payment | None:
        try:
            payment = await self._cashier.payment(PurposeKind.INVOICE, self.invoice.org_id, self.invoice.id)
        except AssertionError:
            return None
        return payment if payment.status is PaymentStatus.SUCCEEDED else None

    async def require_in_order(self) -> None:
        cashier, invoice = self._cashier, self.invoice
        await cashier.require_in_order(invoice)
        now = await cashier.found(invoice)
        notes = await cashier.notes.of_invoice(invoice.org_id, invoice.id)
        if not now.remaining:
            assert now.status is InvoiceStatus.PAID
        assert await cashier.given_for_nothing(invoice.org_id, invoice.id) >= 0
        assert min((await cashier.bank.left(invoice.org_id)).values(), default=0) >= 0
        by_money = [note.allocation.returned + note.allocation.refunded + note.allocation.by_money for note in notes]
        assert sum(by_money) <= now.amount_paid
        balances = await cashier.bank.balances(invoice.org_id)
        earned = sum(line.net for line in invoice.breakdown.lines) - sum(note.subtotal for note in notes)
        assert balances[("revenue", None)] == -earned


@pytest_asyncio.fixture
async def plan_id(operator: Caller, office: Office) -> str:
    """A plan of 20 dollars."""
    office.clock.set(2027, 2, 1)
    return str((await offered(operator, "team", "20"))["id"])


@settings(max_examples=30)
@given(steps=STEPS, free=st.integers(0, 900), pays=st.booleans())
async def test_nobody_gets_more_back_than_there_was(
    operator: Caller,
    make_org: MakeOrg,
    office: Office,
    cashier: Cashier,
    plan_id: str,
    steps: list[tuple[Any, ...]],
    free: int,
    *,
    pays: bool,
) -> None:
    customer = Caller(await make_org())
    org_id = customer.org.org_id
    cashier.paying.stripe.api.faults.clear()
    cashier.paying.stripe.api.store.objects.clear()
    assert (await operator("PUT", f"accounts/{org_id}/taxation", json=VAT)).status_code == 200
    if free:
        await office.bank.given(org_id, free, promoted(new_id(), free, USD), priority=10)
    await customer.made("subscriptions", plan_id=plan_id)
    history = History(cashier, await office.surely_invoiced(customer))
    await cashier.paying.card(org_id, GOOD_CARD)
    if pays:
        await history.collect()
    for step, *arguments in steps:
        with suppress(Conflict):
            await getattr(history, step)(*arguments)
        await history.require_in_order()
