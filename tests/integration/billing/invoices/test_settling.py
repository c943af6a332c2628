"""What becomes of invoices, and that the ledger says the same."""

import asyncio

import pytest

from billing.invoices.models import Invoice, InvoiceIsFinal, InvoiceStatus, PaidInPart, UnknownInvoice
from billing.ledger.bookings import promoted
from llmo_core.ids import new_id
from tests.integration.billing.calling import Caller
from tests.integration.billing.credit.bank import USD
from tests.integration.billing.invoices.office import Office
from tests.integration.billing.subscribing import offered


@pytest.fixture
async def invoice(operator: Caller, customer: Caller, office: Office) -> Invoice:
    """An invoice of 20 dollars, of which 5 were paid by credit."""
    plan = await offered(operator, "team", "20")
    office.clock.set(2027, 2, 1)
    await customer.made("subscriptions", plan_id=plan["id"])
    await office.bank.given(customer.org.org_id, 500, promoted(new_id(), 500, USD))
    return await office.surely_invoiced(customer)


async def told(office: Office, invoice: Invoice) -> list[str]:
    prefix = "llmo.billing.invoice."
    announced = [event.type for event in await office.catalogue.announced(invoice.org_id)]
    return [kind.removeprefix(prefix) for kind in announced if kind.startswith(prefix)][2:]


async def test_a_payment_is_taken_once(invoice: Invoice, office: Office) -> None:
    payment_id = new_id()
    settled = await asyncio.gather(
        *(office.settling.paid(invoice.org_id, invoice.id, payment_id=payment_id, amount=1500) for _ in range(3))
    )

    assert {after.status for after in settled} == {InvoiceStatus.PAID}
    assert {after.amount_paid for after in settled} == {1500}
    assert await office.receivable(invoice.org_id, invoice.id) == 0
    assert (await office.bank.balances(invoice.org_id))[("cash", None)] == 1500
    assert await told(office, invoice) == ["paid"]


async def test_an_invoice_is_paid_in_parts(invoice: Invoice, office: Office) -> None:
    part = await office.settling.paid(invoice.org_id, invoice.id, payment_id=new_id(), amount=700)
    assert (part.status, part.remaining) == (InvoiceStatus.FINALIZED, 800)
    with pytest.raises(PaidInPart):
        await office.settling.void(invoice.org_id, invoice.id)
    rest = await office.settling.paid(invoice.org_id, invoice.id, payment_id=new_id(), amount=800)
    assert (rest.status, rest.remaining) == (InvoiceStatus.PAID, 0)
    for refused in (office.settling.void, office.settling.give_up):
        with pytest.raises(InvoiceIsFinal):
            await refused(invoice.org_id, invoice.id)


async def test_what_nobody_owed_becomes_credit(invoice: Invoice, office: Office) -> None:
    await office.settling.paid(invoice.org_id, invoice.id, payment_id=new_id(), amount=1600)
    await office.settling.paid(invoice.org_id, invoice.id, payment_id=new_id(), amount=1500)

    assert (await office.bank.wallet(invoice.org_id)).balance == 1600
    assert await office.receivable(invoice.org_id, invoice.id) == 0
    await office.bank.require_traceable(invoice.org_id)


async def test_a_void_invoice_leaves_nothing_but_its_number(invoice: Invoice, office: Office) -> None:
    for _ in range(2):
        after = await office.settling.void(invoice.org_id, invoice.id)
        assert (after.status, after.remaining, after.number) == (InvoiceStatus.VOID, 0, invoice.number)
    balances = await office.bank.balances(invoice.org_id)

    assert await office.receivable(invoice.org_id, invoice.id) == balances[("revenue", None)] == 0
    assert (await office.bank.wallet(invoice.org_id)).balance == 500
    await office.bank.require_traceable(invoice.org_id)
    assert await told(office, invoice) == ["voided"]
    with pytest.raises(InvoiceIsFinal):
        await office.settling.give_up(invoice.org_id, invoice.id)
    late = await office.settling.paid(invoice.org_id, invoice.id, payment_id=new_id(), amount=1500)
    assert late.status is InvoiceStatus.VOID
    assert (await office.bank.wallet(invoice.org_id)).balance == 2000
    await office.bank.require_traceable(invoice.org_id)


@pytest.mark.parametrize("end", ["paid", "void"])
async def test_what_was_given_up_may_be_paid_or_void_after_all(invoice: Invoice, office: Office, end: str) -> None:
    for _ in range(2):
        given_up = await office.settling.give_up(invoice.org_id, invoice.id)
        assert (given_up.status, given_up.remaining) == (InvoiceStatus.UNCOLLECTIBLE, 1500)
    assert (await office.bank.balances(invoice.org_id))[("bad_debt", None)] == 1500
    if end == "paid":
        after = await office.settling.paid(invoice.org_id, invoice.id, payment_id=new_id(), amount=1500)
    else:
        after = await office.settling.void(invoice.org_id, invoice.id)

    assert after.status == end
    balances = await office.bank.balances(invoice.org_id)
    assert balances[("bad_debt", None)] == await office.receivable(invoice.org_id, invoice.id) == 0
    await office.bank.require_traceable(invoice.org_id)


async def test_drafts_and_others_invoices_are_not_settled(invoice: Invoice, office: Office, operator: Caller) -> None:
    office.clock.set(2027, 3, 3)
    assert invoice.subscription_id is not None
    draft = await office.drafting.draft(invoice.org_id, invoice.subscription_id)
    assert draft is not None
    for org_id, invoice_id in (
        (invoice.org_id, draft.id),
        (operator.org.org_id, invoice.id),
        (invoice.org_id, new_id()),
    ):
        for refused in (office.settling.void, office.settling.give_up):
            with pytest.raises(UnknownInvoice):
                await refused(org_id, invoice_id)
        with pytest.raises(UnknownInvoice):
            await office.settling.paid(org_id, invoice_id, payment_id=new_id(), amount=1)


async def test_the_database_lets_nobody_change_what_an_invoice_says(invoice: Invoice, office: Office) -> None:
    changed = invoice.model_copy(update={"breakdown": invoice.breakdown.model_copy(update={"total": 1})})
    with pytest.raises(Exception, match="a finalized invoice does not change"):
        await office.kept.change(changed)
