"""Subscriptions become invoices: once, under a number, with what was used and what came late."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from billing.invoices.models import InvoiceStatus
from billing.invoicing.items import ItemKind
from billing.invoicing.recomputing import recompute
from billing.ledger.bookings import promoted
from llmo_core.ids import new_id
from tests.integration.billing.calling import Caller, Json
from tests.integration.billing.credit.bank import USD
from tests.integration.billing.invoices.office import PER_CALL, Office
from tests.integration.billing.subscribing import offered

IN_FEBRUARY = datetime(2027, 2, 10, tzinfo=UTC)


async def subscribed(operator: Caller, customer: Caller, office: Office, *charges: Json, **others: object) -> Json:
    """A subscription of 20 dollars a month from 1 February 2027 on, with two free calls and more for 25 cents each."""
    await operator.meter()
    plan = await offered(operator, "team", "20", *(charges or [PER_CALL]), **others)
    office.clock.set(2027, 2, 1)
    return await customer.made("subscriptions", plan_id=plan["id"])


async def test_what_is_due_in_advance_is_invoiced_at_once(operator: Caller, customer: Caller, office: Office) -> None:
    made = await subscribed(operator, customer, office)
    invoice = await office.surely_invoiced(customer)

    assert (invoice.status, invoice.sequence, invoice.breakdown.total) == (InvoiceStatus.FINALIZED, 1, 2000)
    assert str(invoice.subscription_id) == made["id"]
    assert invoice.number == f"INV-{customer.org.org_id.hex[-8:].upper()}-000001"
    assert [line.kind for line in invoice.breakdown.lines] == [ItemKind.ADVANCE]
    assert await office.receivable(customer.org.org_id, invoice.id) == 2000
    assert await office.invoiced(customer) is None
    announced = [event.type for event in await office.catalogue.announced(customer.org.org_id)]
    assert announced[-2:] == ["llmo.billing.invoice.drafted", "llmo.billing.invoice.finalized"]


async def test_a_period_that_ended_is_invoiced_with_the_next_ones_advance_after_some_grace(
    operator: Caller, customer: Caller, office: Office
) -> None:
    await subscribed(operator, customer, office)
    await office.surely_invoiced(customer)
    await office.used(customer, 5, IN_FEBRUARY)
    office.clock.set(2027, 3, 1)
    assert await office.invoiced(customer) is None  # events may still come
    await office.used(customer, 1, datetime(2027, 2, 28, 23, 59, tzinfo=UTC))
    office.clock.advance(hours=1)
    await office.used(customer, 7, datetime(2027, 3, 1, tzinfo=UTC))
    invoice = await office.surely_invoiced(customer)

    lines = {line.code: line for line in invoice.breakdown.lines}
    assert {code: (line.kind, line.amount) for code, line in lines.items()} == {
        "base": (ItemKind.ADVANCE, 2000),
        "calls": (ItemKind.USAGE, 4 * 25),
    }
    assert lines["calls"].quantity == 6
    assert (invoice.sequence, invoice.period.start, invoice.period.end) == (
        2,
        datetime(2027, 2, 1, tzinfo=UTC),
        datetime(2027, 4, 1, tzinfo=UTC),
    )
    assert recompute(invoice.breakdown.model_dump(mode="json")).amount_due == invoice.breakdown.amount_due == 2100


async def test_what_comes_later_than_that_is_an_adjustment_on_the_next(
    operator: Caller, customer: Caller, office: Office
) -> None:
    await subscribed(operator, customer, office)
    await office.used(customer, 5, IN_FEBRUARY)
    office.clock.set(2027, 3, 2)
    await office.surely_invoiced(customer)
    await office.used(customer, 4, IN_FEBRUARY)
    office.clock.set(2027, 4, 2)
    april = await office.surely_invoiced(customer)
    await office.used(customer, 1, IN_FEBRUARY)  # a month later nobody counts it any more
    office.clock.set(2027, 5, 2)
    may = await office.surely_invoiced(customer)

    adjusted = [line for line in april.breakdown.lines if line.kind is ItemKind.ADJUSTMENT]
    assert [(line.quantity, line.billed_quantity, line.amount) for line in adjusted] == [(Decimal(9), Decimal(5), 100)]
    assert not [line for line in may.breakdown.lines if line.kind is ItemKind.ADJUSTMENT]
    assert recompute(april.breakdown.model_dump(mode="json")).total == april.breakdown.total


async def test_a_change_within_a_period_is_invoiced_when_it_is_made(
    operator: Caller, customer: Caller, office: Office
) -> None:
    made = await subscribed(operator, customer, office)
    await office.surely_invoiced(customer)
    large = await offered(operator, "large", "48", PER_CALL)
    office.clock.set(2027, 2, 15, 9)
    await customer("POST", f"subscriptions/{made['id']}/change", json={"plan_id": large["id"]})
    change = await office.surely_invoiced(customer)

    assert [(line.kind, line.amount) for line in change.breakdown.lines] == [
        (ItemKind.UNUSED, -1000),
        (ItemKind.REMAINING, 2400),
    ]
    office.clock.set(2027, 3, 2)
    await office.used(customer, 3, IN_FEBRUARY)
    march = await office.surely_invoiced(customer)
    usage = [line for line in march.breakdown.lines if line.kind is ItemKind.USAGE]
    assert [(line.quantity, line.included) for line in usage] == [  # a stretch of each plan
        (Decimal(3), Decimal(1)),
        (Decimal(0), Decimal(1)),
    ]
    assert march.breakdown.total == 4800 + 50


async def test_a_subscription_that_ends_is_invoiced_for_what_was_used_and_never_again(
    operator: Caller, customer: Caller, office: Office
) -> None:
    made = await subscribed(operator, customer, office)
    await office.surely_invoiced(customer)
    await office.used(customer, 4, IN_FEBRUARY)
    office.clock.set(2027, 2, 20)
    await customer("POST", f"subscriptions/{made['id']}/cancel", json={"when": "at_period_end"})
    office.clock.set(2027, 3, 5)
    last = await office.surely_invoiced(customer)

    assert [(line.kind, line.amount) for line in last.breakdown.lines] == [(ItemKind.USAGE, 50)]
    office.clock.set(2027, 6, 5)
    assert await office.invoiced(customer) is None


async def test_a_trial_costs_nothing(operator: Caller, customer: Caller, office: Office) -> None:
    await subscribed(operator, customer, office, trial_days=14)
    await office.used(customer, 9, IN_FEBRUARY)
    office.clock.set(2027, 2, 14)
    assert await office.invoiced(customer) is None
    office.clock.set(2027, 2, 15)
    assert (await office.surely_invoiced(customer)).breakdown.total == 2000
    office.clock.set(2027, 3, 16)
    assert (await office.surely_invoiced(customer)).breakdown.total == 2000  # nothing was used after the trial


async def test_credit_is_taken_before_anything_is_due(operator: Caller, customer: Caller, office: Office) -> None:
    org_id = customer.org.org_id
    await subscribed(operator, customer, office)
    grant = await office.bank.given(org_id, 2500, promoted(new_id(), 2500, USD))
    first = await office.surely_invoiced(customer)
    office.clock.set(2027, 3, 2)
    second = await office.surely_invoiced(customer)

    assert (first.status, first.breakdown.amount_due, first.paid_at) == (InvoiceStatus.PAID, 0, first.finalized_at)
    assert first.taken_credit == {grant.id: 2000}
    assert (second.status, second.breakdown.amount_due, second.remaining) == (InvoiceStatus.FINALIZED, 1500, 1500)
    assert await office.receivable(org_id, first.id) == 0
    assert await office.receivable(org_id, second.id) == 1500
    await office.bank.require_traceable(org_id)


async def test_what_is_credited_beyond_what_is_charged_becomes_credit(
    operator: Caller, customer: Caller, office: Office
) -> None:
    made = await subscribed(operator, customer, office)
    await office.surely_invoiced(customer)
    office.clock.set(2027, 2, 15, 9)
    small = await offered(operator, "small", "6")
    await customer("POST", f"subscriptions/{made['id']}/change", json={"plan_id": small["id"], "when": "now"})
    change = await office.surely_invoiced(customer)

    assert (change.breakdown.total, change.breakdown.owed, change.status) == (-700, 700, InvoiceStatus.PAID)
    assert (await office.bank.wallet(customer.org.org_id)).balance == 700
    assert await office.receivable(customer.org.org_id, change.id) == 0
    await office.bank.require_traceable(customer.org.org_id)


async def test_taxes_are_those_that_the_operator_has_set(operator: Caller, customer: Caller, office: Office) -> None:
    taxation = {"behavior": "exclusive", "rates": [{"code": "vat", "name": "VAT", "percent": "19"}]}
    answer = await operator("PUT", f"accounts/{customer.org.org_id}/taxation", json=taxation)
    assert answer.status_code == 200, answer.text
    await customer("PUT", "account", json={"name": "Customer Ltd"})
    await operator("PUT", "account", json={"name": "Operator Inc"})
    await subscribed(operator, customer, office)
    invoice = await office.surely_invoiced(customer)

    assert (invoice.breakdown.subtotal, invoice.breakdown.total) == (2000, 2380)
    assert [(tax.name, tax.amount) for tax in invoice.breakdown.taxes] == [("VAT", 380)]
    assert invoice.customer is not None
    assert invoice.issuer is not None
    assert (invoice.issuer.name, invoice.customer.name) == ("Operator Inc", "Customer Ltd")
    balances = await office.bank.balances(customer.org.org_id)
    assert (balances[("revenue", None)], balances[("taxes", None)]) == (-2000, -380)


async def test_drafts_at_the_same_time_are_one(operator: Caller, customer: Caller, office: Office) -> None:
    await subscribed(operator, customer, office)
    invoices = await asyncio.gather(*(office.invoiced(customer) for _ in range(4)))

    assert sum(invoice is not None for invoice in invoices) == 1


async def test_numbers_have_no_gaps_whatever_fails(
    operator: Caller, customer: Caller, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await subscribed(operator, customer, office)
    drafts = []
    for month in range(2, 7):
        office.clock.set(2027, month, 2)
        draft = await office.drafting.draft(customer.org.org_id, (await _subscription(office, customer)))
        assert draft is not None, made
        drafts.append(draft.id)

    async def break_off(*_: object, **__: object) -> None:
        raise ConnectionError("as planned")

    with monkeypatch.context() as broken:
        broken.setattr(office.bank.ledger, "book", break_off)
        with pytest.raises(ConnectionError):
            await office.finalizing.finalize(customer.org.org_id, drafts[0])
    finalized = await asyncio.gather(
        *(office.finalizing.finalize(customer.org.org_id, draft_id) for draft_id in drafts * 2)
    )

    assert sorted({invoice.sequence or 0 for invoice in finalized}) == [1, 2, 3, 4, 5]
    assert len({(invoice.id, invoice.number) for invoice in finalized}) == 5


async def _subscription(office: Office, customer: Caller) -> UUID:
    found = await office.subscriptions.newest(customer.org.org_id)
    assert found is not None
    return found.id
