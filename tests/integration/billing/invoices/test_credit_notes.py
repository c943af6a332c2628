"""Credit notes take of an invoice what is not owed after all, and give back what was paid of it."""

import asyncio
from typing import LiteralString

import pytest
import pytest_asyncio
from psycopg import AsyncConnection, errors, sql
from psycopg.conninfo import make_conninfo

from billing.credit_notes.models import CreditNote, CreditTooLarge, NotCreditable, NothingToCredit, Outcome
from billing.invoices.models import CreditedInPart, Invoice, InvoiceStatus, UnknownInvoice
from billing.ledger.bookings import promoted
from billing.payments.errors import RequestKeyReused
from llmo_core.currencies import Currency
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.fakes.stripe import AUTHENTICATED, GOOD_CARD
from tests.integration.billing.calling import Caller
from tests.integration.billing.credit.bank import USD
from tests.integration.billing.invoices.cashier import Cashier
from tests.integration.billing.invoices.office import Office
from tests.integration.billing.subscribing import offered
from tests.integration.statements import run
from tests.integration.stores import Postgres


@pytest_asyncio.fixture
async def invoice(operator: Caller, customer: Caller, office: Office) -> Invoice:
    """An invoice of 20 dollars and 4 of taxes, of which 5 were paid by credit that was given away."""
    plan = await offered(operator, "team", "20")
    vat = {"rates": [{"code": "vat", "name": "VAT", "percent": "20"}]}
    assert (await operator("PUT", f"accounts/{customer.org.org_id}/taxation", json=vat)).status_code == 200
    office.clock.set(2027, 2, 1)
    await customer.made("subscriptions", plan_id=plan["id"])
    await office.bank.given(
        customer.org.org_id,
        500,
        promoted(new_id(), 500, USD),
        priority=10,
        expires_at=office.clock.now().replace(year=2028),
    )
    return await office.surely_invoiced(customer)


async def told(office: Office, invoice: Invoice) -> list[str]:
    announced = [event.type.removeprefix("llmo.billing.") for event in await office.catalogue.announced(invoice.org_id)]
    return announced[announced.index("invoice.finalized") + 1 :]


async def test_what_is_not_owed_is_not_collected(invoice: Invoice, cashier: Cashier) -> None:
    note = await cashier.credit(invoice, 1000)

    assert (note.number, note.total, note.allocation.deducted) == (
        f"CN-{invoice.org_id.hex[-8:].upper()}-000001",
        1200,
        1200,
    )
    assert [(tax.code, tax.amount) for tax in note.lines[0].taxes] == [("vat", 200)]
    after = await cashier.found(invoice)
    assert (after.status, after.remaining, after.amount_credited) == (InvoiceStatus.FINALIZED, 700, 1200)
    payment = await cashier.collected(invoice)
    assert payment.amount == 700
    assert (await cashier.found(invoice)).status is InvoiceStatus.PAID
    balances = await cashier.bank.balances(invoice.org_id)
    assert (balances[("revenue", None)], balances[("taxes", None)]) == (-1000, -200)
    await cashier.require_in_order(invoice)


async def test_an_invoice_of_which_nothing_remains_is_paid(invoice: Invoice, cashier: Cashier, office: Office) -> None:
    note = await cashier.credit(invoice)

    assert (note.allocation.deducted, note.allocation.granted) == (1900, 500)
    after = await cashier.found(invoice)
    assert (after.status, after.amount_paid, after.paid_at) == (InvoiceStatus.PAID, 0, office.clock.now())
    assert await told(office, invoice) == ["credit_note.issued", "credit.granted", "invoice.paid"]
    wallet = await office.bank.wallet(invoice.org_id)
    [grant] = await office.bank.grants.left(invoice.org_id, wallet.id)
    assert (grant.source, grant.reference, grant.amount, grant.priority) == ("restored", note.id, 500, 10)
    assert grant.expires_at == office.clock.now().replace(year=2028)
    await cashier.require_in_order(invoice)


async def test_what_was_paid_becomes_credit_unless_it_is_refunded(invoice: Invoice, cashier: Cashier) -> None:
    payment = await cashier.collected(invoice)
    credited = await cashier.credit(invoice, 500)
    refunded = await cashier.credit(invoice, 500, Outcome.REFUND)

    assert (credited.allocation.granted, credited.refund_id) == (600, None)
    assert (refunded.allocation.refunded, refunded.allocation.granted) == (600, 0)
    [refund] = await cashier.refunds(payment)
    assert (refund.id, refund.amount, refund.status) == (refunded.refund_id, 600, "succeeded")
    assert [each["amount"] for each in cashier.paying.stripe.objects("refund")] == [600]
    assert (await cashier.bank.wallet(invoice.org_id)).balance == 600
    assert (await cashier.bank.balances(invoice.org_id))[("cash", None)] == 1900 - 600
    assert await cashier.given_for_nothing(invoice.org_id, invoice.id) == 0
    await cashier.require_in_order(invoice)


async def test_no_more_goes_back_to_the_card_than_it_had_paid(invoice: Invoice, cashier: Cashier) -> None:
    await cashier.collected(invoice)
    note = await cashier.credit(invoice, None, Outcome.REFUND)

    assert (note.allocation.refunded, note.allocation.granted) == (1900, 500)
    assert [credit.amount for credit in note.allocation.restored] == [500]
    assert (await cashier.bank.balances(invoice.org_id))[("cash", None)] == 0
    with pytest.raises(NothingToCredit):
        await cashier.credit(invoice)
    await cashier.require_in_order(invoice)


async def test_what_was_refunded_without_a_note_is_what_the_note_is_of(invoice: Invoice, cashier: Cashier) -> None:
    payment = await cashier.collected(invoice)
    await cashier.refund(payment, 1000)
    assert await cashier.given_for_nothing(invoice.org_id, invoice.id) == 1000
    assert (await cashier.found(invoice)).status is InvoiceStatus.PAID
    note = await cashier.credit(invoice, None, Outcome.REFUND)

    assert (note.allocation.returned, note.allocation.refunded, note.allocation.granted) == (1000, 900, 500)
    assert await cashier.given_for_nothing(invoice.org_id, invoice.id) == 0
    assert (await cashier.bank.balances(invoice.org_id))[("revenue", None)] == 0
    await cashier.require_in_order(invoice)


async def test_money_that_stripe_does_not_give_back_becomes_credit(invoice: Invoice, cashier: Cashier) -> None:
    payment = await cashier.collected(invoice)
    cashier.paying.stripe.fails("/v1/refunds", method="POST", status=400)
    note = await cashier.credit(invoice, 1000, Outcome.REFUND)

    [refund] = await cashier.refunds(payment)
    assert (refund.id, refund.status) == (note.refund_id, "failed")
    assert (await cashier.bank.wallet(invoice.org_id)).balance == 1200
    assert await cashier.given_for_nothing(invoice.org_id, invoice.id) == 0
    await cashier.require_in_order(invoice)


async def test_and_so_does_what_a_bank_sends_back_afterwards(invoice: Invoice, cashier: Cashier) -> None:
    await cashier.collected(invoice)
    await cashier.credit(invoice, 1000, Outcome.REFUND)
    [refund] = cashier.paying.stripe.objects("refund")
    for _ in range(2):
        await cashier.happens(f"refunds/{refund['id']}", status="failed", failure_reason="lost_or_stolen_card")

    assert (await cashier.bank.balances(invoice.org_id))[("cash", None)] == 1900
    assert (await cashier.bank.wallet(invoice.org_id)).balance == 1200
    await cashier.require_in_order(invoice)


async def test_a_charge_of_more_than_remains_is_cancelled(invoice: Invoice, cashier: Cashier, office: Office) -> None:
    payment = await cashier.collected(invoice, AUTHENTICATED)
    assert payment.status == "requires_action"
    await cashier.credit(invoice, 1000)

    assert (await cashier.paying.found(payment)).status == "cancelled"
    assert [intent["status"] for intent in cashier.paying.stripe.objects("payment_intent")] == ["canceled"]
    assert "invoice.payment_failed" in await told(office, invoice)
    assert (await cashier.found(invoice)).remaining == 700


async def test_what_was_given_up_is_expected_less(invoice: Invoice, cashier: Cashier, office: Office) -> None:
    await office.settling.give_up(invoice.org_id, invoice.id)
    await cashier.credit(invoice, 1000)
    await cashier.require_in_order(invoice)
    assert (await cashier.bank.balances(invoice.org_id))[("bad_debt", None)] == 700

    await cashier.credit(invoice)
    assert (await cashier.found(invoice)).status is InvoiceStatus.PAID
    assert (await cashier.bank.balances(invoice.org_id))[("bad_debt", None)] == 0
    await cashier.require_in_order(invoice)


async def test_two_notes_at_once_credit_no_more_than_was_invoiced(invoice: Invoice, cashier: Cashier) -> None:
    issued = await asyncio.gather(*(cashier.credit(invoice, 900) for _ in range(4)), return_exceptions=True)

    notes = sorted((note for note in issued if isinstance(note, CreditNote)), key=lambda note: note.sequence)
    assert [note.sequence for note in notes] == [1, 2]
    assert [type(error) for error in issued if isinstance(error, Exception)] == [CreditTooLarge] * 2
    await cashier.require_in_order(invoice)


async def test_a_note_that_is_asked_for_again_is_the_same(invoice: Invoice, cashier: Cashier) -> None:
    await cashier.collected(invoice)
    issued = await asyncio.gather(*(cashier.credit(invoice, 900, Outcome.REFUND, request_key="once") for _ in range(3)))

    assert len({note.id for note in issued}) == 1
    assert len(cashier.paying.stripe.objects("refund")) == 1
    with pytest.raises(RequestKeyReused):
        await cashier.credit(invoice, 901, Outcome.REFUND, request_key="once")


async def test_a_note_that_is_not_committed_takes_no_number(invoice: Invoice, cashier: Cashier) -> None:
    async def broken_off() -> None:
        async with cashier.paying.database.transaction(invoice.org_id):
            await cashier.credit(invoice, 100, Outcome.REFUND)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await broken_off()
    assert (await cashier.credit(invoice, 200)).sequence == 1
    assert cashier.paying.stripe.objects("refund") == []


async def test_nothing_is_credited_of_drafts_void_and_others_invoices(
    invoice: Invoice, cashier: Cashier, office: Office, operator: Caller
) -> None:
    office.clock.set(2027, 3, 3)
    assert invoice.subscription_id is not None
    draft = await office.drafting.draft(invoice.org_id, invoice.subscription_id)
    assert draft is not None
    anothers = invoice.model_copy(update={"org_id": operator.org.org_id})
    for unknown in (draft, anothers, invoice.model_copy(update={"id": new_id()})):
        with pytest.raises(UnknownInvoice):
            await cashier.credit(unknown)
    await office.settling.void(invoice.org_id, invoice.id)
    with pytest.raises(NotCreditable):
        await cashier.credit(invoice)


async def test_what_is_credited_in_part_cannot_be_void(invoice: Invoice, cashier: Cashier, office: Office) -> None:
    await cashier.credit(invoice, 1)
    with pytest.raises(CreditedInPart):
        await office.settling.void(invoice.org_id, invoice.id)


async def test_a_payment_that_comes_after_all_becomes_credit(
    invoice: Invoice, cashier: Cashier, office: Office
) -> None:
    await cashier.credit(invoice, 1000)
    await office.settling.paid(invoice.org_id, invoice.id, payment_id=new_id(), amount=1900)

    assert (await cashier.found(invoice)).status is InvoiceStatus.PAID
    assert (await cashier.bank.wallet(invoice.org_id)).balance == 1200
    await cashier.require_in_order(invoice)


async def test_the_database_itself_credits_no_more_than_was_invoiced(invoice: Invoice, cashier: Cashier) -> None:
    note = await cashier.credit(invoice, 1500)
    other = {"id": new_id(), "sequence": 9, "number": f"CN-{new_id().hex[:20]}"}
    with pytest.raises(errors.CheckViolation, match="no more than was invoiced"):
        await cashier.notes.add(note.model_copy(update=other))
    with pytest.raises(errors.CheckViolation, match="no more than was invoiced"):
        await cashier.notes.add(note.model_copy(update={**other, "currency": Currency.EUR}))


@pytest.mark.parametrize("change", ["UPDATE {} SET memo = 'x'", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_not_even_an_administrator_changes_a_note(
    invoice: Invoice, cashier: Cashier, postgres: Postgres, change: LiteralString
) -> None:
    await cashier.credit(invoice, 100)
    async with await AsyncConnection.connect(make_conninfo("", **postgres.admin)) as connection:
        with pytest.raises(errors.RestrictViolation, match="does not change"):
            await connection.execute(sql.SQL(change).format(sql.Identifier("billing", "credit_notes")))


@pytest.mark.parametrize("table", ["credit_notes", "credit_note_numbers"])
async def test_nobody_sees_or_writes_anothers_notes(
    invoice: Invoice, cashier: Cashier, operator: Caller, billing_database: Database, table: LiteralString
) -> None:
    await cashier.credit(invoice, 100)
    async with billing_database.transaction(invoice.org_id) as connection:
        [row] = await run(connection, "SELECT * FROM {}", "billing", table)
    for other in (operator.org.org_id, None):
        async with billing_database.transaction(other) as connection:
            assert await run(connection, "SELECT * FROM {}", "billing", table) == []
    statement = sql.SQL("INSERT INTO {} (org_id) VALUES ({})").format(sql.Identifier("billing", table), row["org_id"])
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        async with billing_database.transaction(operator.org.org_id) as connection:
            await connection.execute(statement)
    with pytest.raises(errors.InsufficientPrivilege):
        async with billing_database.transaction(invoice.org_id) as connection:
            await run(connection, "DELETE FROM {}", "billing", table)


async def test_a_card_is_charged_for_what_remains(invoice: Invoice, cashier: Cashier) -> None:
    await cashier.credit(invoice, 500)
    await cashier.paying.card(invoice.org_id, GOOD_CARD)
    assert await cashier.collect(invoice) == "paid"
    assert [intent["amount"] for intent in cashier.paying.stripe.objects("payment_intent")] == [1300]
